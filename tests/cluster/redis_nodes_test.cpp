// Presence, kicks and questions across nodes, through Redis.
#include "support/live_nodes.hpp"
#include "support/redis_server.hpp"

using chain::RedisMode;
using test::all_list, test::at, test::Keys, test::LiveNode, test::LiveNodes, test::RedisServer,
    test::with;

TEST_CASE(
    "through Redis, presence agrees on all nodes after joins, leaves, a restart and a death") {
    const RedisServer redis;
    test::agree_on_presence(with(at(redis.address())));
}

TEST_CASE(
    "through Redis streams, presence agrees on all nodes after joins, leaves, a restart and a "
    "death") {
    const RedisServer redis;
    test::agree_on_presence(with(at(redis.address(), RedisMode::streams)));
}

TEST_CASE("through Redis, all nodes are asked, and a user is disconnected on each") {
    const auto mode = GENERATE(RedisMode::pubsub, RedisMode::streams);
    const RedisServer redis;
    test::reach_all_nodes(with(at(redis.address(), mode)));
}

TEST_CASE("while Redis is paused or killed, for longer than the lease, no presence flaps") {
    const auto mode = GENERATE(RedisMode::pubsub, RedisMode::streams);
    const bool kill = GENERATE(false, true);
    RedisServer redis;
    auto config = at(redis.address(), mode);
    config.ping = config.answer = std::chrono::milliseconds(500);
    LiveNodes nodes;
    for (const auto* name : {"a", "b"})
        nodes.push_back(std::make_unique<LiveNode>(with(config), name));
    for (const auto& node : nodes) REQUIRE(node->ready());
    nodes[0]->track("ann");
    nodes[1]->track("bob");
    REQUIRE(all_list(nodes, {"ann", "bob"}));

    kill ? redis.kill() : redis.pause();
    const auto end = std::chrono::steady_clock::now() + 2 * LiveNode::lease;
    nodes[0]->track("carl");
    nodes[1]->track("dora");
    std::this_thread::sleep_until(end); // the outage itself is what is tested
    kill ? redis.start() : redis.resume();
    CHECK(all_list(nodes, {"ann", "bob", "carl", "dora"}));
    for (const auto& node : nodes) {
        CHECK(test::eventually([&] { return node->joins == 4; })); // told after they are listed
        CHECK(node->leaves == 0);
    }
}
