// The adapter for Redis in streams mode, against a real server: what outages must not lose.
#include "support/node.hpp"
#include "support/proxy.hpp"
#include "support/redis_server.hpp"

#include <chain/adapters/redis.hpp>
#include <chain/detail/redis_streams.hpp>

using chain::Errc, chain::Payload, chain::RedisMode;
using test::at, test::Cluster, test::eventually, test::Frames, test::local, test::Node,
    test::RedisServer, test::with;

namespace {

chain::RedisConfig streams_at(const RedisServer& redis) {
    return at(redis.address(), RedisMode::streams);
}

/// Nodes 0 and 1 each say these numbers, with a pause after each.
void say_numbers(Cluster& cluster, int first, int last, std::chrono::milliseconds pause) {
    for (int i = first; i < last; ++i) {
        for (int from = 0; from < 2; ++from)
            REQUIRE_FALSE(cluster[from].say("room:a", "n", from, i));
        if (i % 50 == 0) cluster.listen();
        std::this_thread::sleep_for(pause);
    }
}

} // namespace

TEST_CASE("three nodes behind Redis streams hear one another once, in order per publisher") {
    const RedisServer redis;
    Cluster cluster(3, with(streams_at(redis)));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    REQUIRE(cluster.meet("room:b"));

    for (int i = 0; i < 300; ++i)
        for (int from = 0; from < 3; ++from) {
            REQUIRE_FALSE(cluster[from].say("room:a", "n", from, i));
            REQUIRE_FALSE(cluster[from].say("room:b", "n", from, i));
        }
    for (const auto* topic : {"room:a", "room:b"}) {
        CHECK(cluster.heard(topic, 300, 3));
        CHECK(cluster.exact(topic, 300, 3));
    }
    for (int i = 0; i < 3; ++i) {
        CHECK(cluster[i].watch->lost_reports == 0);
        CHECK(cluster[i].watch->bad == 0);
    }
}

TEST_CASE("streams: Redis is killed and started again while two nodes publish, and nothing is "
          "lost or comes twice") {
    RedisServer redis;
    Cluster cluster(3, with(streams_at(redis)));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));

    say_numbers(cluster, 0, 150, std::chrono::milliseconds(1));
    redis.kill();
    say_numbers(cluster, 150, 350, std::chrono::milliseconds(1));
    redis.start();
    say_numbers(cluster, 350, 500, std::chrono::milliseconds(1));
    CHECK(cluster.heard("room:a", 500, 2));
    CHECK(cluster.exact("room:a", 500, 2));
    for (int i = 0; i < 3; ++i) {
        CHECK(cluster[i].watch->ups == 2);
        CHECK(cluster[i].watch->lost_reports == 0);
    }
}

TEST_CASE("streams: Redis is paused for 5 s while two nodes publish, and nothing is lost or comes "
          "twice") {
    const RedisServer redis;
    auto config = streams_at(redis);
    SECTION("and it is noticed") { config.ping = config.answer = std::chrono::milliseconds(500); }
    SECTION("and the nodes wait for it") { config.ping = config.answer = std::chrono::seconds(60); }
    Cluster cluster(3, with(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));

    redis.pause();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    say_numbers(cluster, 0, 500, std::chrono::milliseconds(1));
    if (config.ping < std::chrono::seconds(1)) {
        CHECK(eventually([&] { return !cluster[0].handler->pubsub().ready(); }));
    }
    std::this_thread::sleep_until(end);
    redis.resume();
    CHECK(cluster.heard("room:a", 500, 2));
    CHECK(cluster.exact("room:a", 500, 2));
    for (int i = 0; i < 3; ++i) CHECK(cluster[i].watch->lost_reports == 0);
}

TEST_CASE("streams: connections that are cut again and again lose nothing") {
    const RedisServer redis;
    test::Proxy proxy(redis.port());
    auto config = streams_at(redis);
    config.server = local(proxy.port());
    config.reconnect_min = std::chrono::milliseconds(5);
    Cluster cluster(2, with(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    for (int i = 0; i < 500; i += 50) {
        say_numbers(cluster, i, i + 50, std::chrono::milliseconds(0));
        proxy.cut();
    }
    CHECK(cluster.heard("room:a", 500, 2));
    CHECK(cluster.exact("room:a", 500, 2));
    for (int i = 0; i < 2; ++i) CHECK(cluster[i].watch->lost_reports == 0);
}

TEST_CASE("streams: what was trimmed before a node could read it is reported") {
    const RedisServer redis;
    test::Proxy proxy(redis.port());
    auto config = streams_at(redis);
    config.stream_length = 100;
    Node near(with(config));
    config.server = local(proxy.port());
    Node far(with(config));
    REQUIRE(near.ready());
    REQUIRE(far.ready());
    far.member("room:a");
    REQUIRE(eventually([&] {
        near.say("room:a", "hello", 0, 0);
        far.listen();
        return !far.greeted["room:a"].empty();
    }));

    proxy.refuse(true);
    proxy.cut();
    REQUIRE(far.watch->signal.wait([&] { return far.watch->downs > 0; }));
    for (int i = 0; i < 2000; ++i) REQUIRE_FALSE(near.say("room:a", "n", 0, i));
    const auto key =
        "chain:stream:" + std::to_string(chain::detail::redis_shard("/socket:c:room:a"));
    REQUIRE(eventually([&] {
        return redis.cli("XREVRANGE " + key + " + - COUNT 1").find("[0,1999]") != std::string::npos;
    }));
    proxy.refuse(false);
    REQUIRE(far.watch->signal.wait([&] { return far.watch->ups > 1; }));
    CHECK(eventually([&] {
        far.listen();
        const auto& numbers = far.numbers["room:a"][0];
        return !numbers.empty() && numbers.back() == 1999;
    }));
    const auto heard = far.numbers["room:a"][0].size();
    CHECK(heard < 2000);
    CHECK(far.watch->lost_reports >= 1);
    CHECK(far.watch->lost + heard >= 2000);
}

TEST_CASE("streams: a server that has lost its data is reported, and is read on from") {
    RedisServer redis;
    Cluster cluster(2, with(streams_at(redis)));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    redis.kill();
    std::filesystem::remove_all(redis.folder().file("appendonlydir"));
    redis.start();
    CHECK(cluster[0].watch->signal.wait([&] { return cluster[0].watch->lost_reports > 0; }));
    CHECK(cluster.hear_all("room:a"));
}

TEST_CASE("streams: too much that waits for Redis is refused, the rest is kept") {
    RedisServer redis;
    auto config = streams_at(redis);
    config.backlog_bytes = 100'000;
    Cluster cluster(2, with(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    redis.kill();
    int taken = 0;
    while (!cluster[0].say("room:a", "n", 0, taken)) ++taken;
    CHECK(cluster[0].say("room:a", "n", 0, 0) == Errc::adapter_full);
    CHECK(taken > 100);
    redis.start();
    CHECK(eventually([&] {
        cluster[1].listen();
        return static_cast<int>(cluster[1].numbers["room:a"][0].size()) >= taken;
    }));
    CHECK(static_cast<int>(cluster[1].numbers["room:a"][0].size()) == taken);
}

TEST_CASE("streams: redis-cli appends for a cluster, and what is no frame is dropped and counted") {
    const RedisServer redis;
    Cluster cluster(2, with(streams_at(redis)));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    auto& node = cluster[0];
    node.heard();
    const auto key =
        "chain:stream:" + std::to_string(chain::detail::redis_shard("/socket:p:room:a")) + " '*' ";
    redis.cli("XADD " + key + R"(k /socket:p:room:a f '{"price": 12}')");
    redis.cli("XADD " + key + R"(k /socket:p:other f '{"price": 13}')");
    redis.cli("XADD " + key + "k /socket:p:room:a f '{'");
    redis.cli("XADD " + key + "x y");
    redis.cli("XADD " + key + R"(k /socket:p:room:a f 3)");
    Frames heard;
    CHECK(eventually([&] {
        for (auto& text : node.heard())
            if (text.find("hello") == std::string::npos) heard.push_back(std::move(text));
        return heard.size() >= 2;
    }));
    CHECK(heard == Frames{R"([2,"room:a","update",{"price":12}])", R"([2,"room:a","update",3])"});
    CHECK(node.watch->bad == 2);
}

TEST_CASE("streams: topics share 64 streams by their CRC-32") {
    CHECK(chain::detail::redis_shard("123456789") == 0xCBF43926U % 64);
    CHECK(chain::detail::redis_stream_key("chain:", 7) == "chain:stream:7");
    for (const auto* bad : {"", "1", "1-", "-1", "a-1", "1-a", "1-2-3", "99999999999999999999-1"})
        CHECK_FALSE(chain::detail::read_stream_id(bad));
    const auto id = chain::detail::read_stream_id("1700000000000-12");
    REQUIRE(id);
    CHECK(chain::detail::write_stream_id(*id) == "1700000000000-12");
}

TEST_CASE("streams: an entry is seen once, and missing ones are counted") {
    using chain::detail::RedisSeen, chain::detail::RedisStamp;
    RedisSeen seen;
    RedisStamp stamp;
    const auto look = [&](std::uint64_t number) {
        stamp.number = number;
        return seen.look(3, stamp);
    };
    CHECK_FALSE(look(7).again); // the first of this writer: no more is known
    CHECK(look(7).again);
    CHECK_FALSE(look(8).again);
    CHECK(look(7).again);
    CHECK(look(12).missing == 3);
    CHECK(seen.look(4, stamp).missing == 0);
    seen.forget(3);
    CHECK(look(30).missing == 0);

    const auto written = chain::detail::write_stamp(stamp);
    const std::string bytes(written.begin(), written.end());
    CHECK(bytes.size() == 24);
    const auto read = chain::detail::read_stamp(bytes);
    REQUIRE(read);
    CHECK(read->number == 30);
    CHECK_FALSE(chain::detail::read_stamp(bytes + "x"));
    CHECK_FALSE(chain::detail::read_stamp(std::string(24, '\0')));

    for (std::size_t i = 0; i < RedisSeen::max_writers + 10; ++i) {
        stamp.epoch[0] = static_cast<std::uint8_t>(i);
        stamp.epoch[1] = static_cast<std::uint8_t>(i >> 8U);
        seen.look(0, stamp);
    }
    CHECK(seen.writers() == RedisSeen::max_writers);
}
