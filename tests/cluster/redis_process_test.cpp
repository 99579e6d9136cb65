// Nodes in processes of their own, of which one is killed.
#include "support/node.hpp"
#include "support/redis_server.hpp"

using chain::RedisMode;
using test::at, test::Cluster, test::eventually, test::RedisServer, test::with;

TEST_CASE("a node that is killed takes nothing of the others with it") {
    const auto mode = GENERATE(RedisMode::pubsub, RedisMode::streams);
    const RedisServer redis;
    Cluster cluster(2, with(at(redis.address(), mode)));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    const auto other = [&](int number) {
        return test::Process({CHAIN_OTHER_NODE, std::to_string(redis.port()),
                              mode == RedisMode::streams ? "streams" : "pubsub",
                              std::to_string(number)});
    };
    auto doomed = other(8);
    const auto stays = other(9);
    const auto heard = [&](int from) { return cluster[0].numbers["room:a"][from].size(); };
    REQUIRE(eventually([&] {
        cluster.listen();
        return heard(8) > 50 && heard(9) > 50;
    }));
    // The way there and back through another process.
    REQUIRE(eventually([&] {
        cluster[1].handler->pubsub().publish("ask", {77, 0});
        cluster.listen();
        return cluster[0].greeted["room:a"].contains(77);
    }));

    doomed.kill();
    const auto before = heard(9);
    for (int i = 0; i < 200; ++i)
        for (int from = 0; from < 2; ++from)
            REQUIRE_FALSE(cluster[from].say("room:a", "n", from, i));
    CHECK(cluster.heard("room:a", 200, 2));
    CHECK(cluster.exact("room:a", 200, 2));
    CHECK(eventually([&] {
        cluster.listen();
        return heard(9) > before + 50;
    }));
    for (int node = 0; node < 2; ++node)
        for (const int from : {8, 9}) {
            const auto& numbers = cluster[node].numbers["room:a"][from];
            REQUIRE_FALSE(numbers.empty());
            CHECK(numbers.back() - numbers.front() + 1 == static_cast<int>(numbers.size()));
            CHECK(std::ranges::is_sorted(numbers));
        }
    for (int node = 0; node < 2; ++node) {
        CHECK(cluster[node].watch->downs == 0);
        CHECK(cluster[node].watch->lost_reports == 0);
    }
}
