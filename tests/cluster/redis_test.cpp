// The adapter for Redis in pub/sub mode, against a real server.
#include "support/adapter_cases.hpp"
#include "support/redis_server.hpp"

#include <chain/adapters/redis.hpp>

#include <fstream>

using chain::Errc, chain::RedisConfig;
using test::at, test::Cluster, test::eventually, test::Frames, test::local, test::Node,
    test::RedisServer, test::with;

TEST_CASE("three nodes behind Redis hear one another once, in order per publisher") {
    const RedisServer redis;
    test::hear_one_another(with(at(redis.address())));
}

TEST_CASE("pitfall 35: a node subscribes at Redis to what it has members of, and to nothing else") {
    const RedisServer redis;
    Node one(with(at(redis.address())));
    Node two(with(at(redis.address())));
    REQUIRE(one.ready());
    REQUIRE(two.ready());
    CHECK(redis.cli("PUBSUB CHANNELS").find("chain:/socket:c:") == std::string::npos);

    one.member("room:a");
    one.member("room:a");
    two.member("room:b");
    CHECK(eventually([&] { return redis.subscribers("chain:/socket:c:room:a") == 1; }));
    CHECK(eventually([&] { return redis.subscribers("chain:/socket:c:room:b") == 1; }));
    one.leave("room:a");
    one.member("room:c");
    CHECK(eventually([&] { return redis.subscribers("chain:/socket:c:room:c") == 1; }));
    CHECK(redis.subscribers("chain:/socket:c:room:a") == 1);
}

TEST_CASE("a topic without members on a node sends that node no bytes") {
    const RedisServer redis;
    test::Proxy proxy(redis.port());
    test::send_no_bytes(with(at(redis.address())), with(at(local(proxy.port()))), proxy,
                        [&] { return redis.subscribers("chain:/socket:c:room:b") == 1; });
}

TEST_CASE("pitfall 33: a topic that is left and joined again within the grace period stays") {
    const RedisServer redis;
    auto config = at(redis.address());
    config.grace = std::chrono::minutes(5);
    Node node(with(config));
    REQUIRE(node.ready());
    node.member("room:a");
    REQUIRE(eventually([&] { return redis.subscribers("chain:/socket:c:room:a") == 1; }));
    for (int i = 0; i < 20; ++i) {
        node.leave_all("room:a");
        node.member("room:a");
    }
    node.leave_all("room:a");
    node.member("room:b");
    REQUIRE(eventually([&] { return redis.subscribers("chain:/socket:c:room:b") == 1; }));
    CHECK(redis.subscribers("chain:/socket:c:room:a") == 1);
    CHECK(redis.cli("INFO commandstats").find("cmdstat_unsubscribe") == std::string::npos);
}

TEST_CASE("redis-cli publishes to the channels of a cluster") {
    const RedisServer redis;
    Node node(with(at(redis.address())));
    REQUIRE(node.ready());
    node.member("room:a");
    REQUIRE(eventually([&] { return redis.subscribers("chain:/socket:c:room:a") == 1; }));
    REQUIRE(eventually([&] { return redis.cli("PUBSUB NUMPAT").find('1') != std::string::npos; }));

    redis.cli(R"(PUBLISH chain:/socket:p:room:a '{"price": 12}')");
    redis.cli(R"(PUBLISH chain:/socket:c:room:a '{"event": "news", "payload": [1, 2]}')");
    CHECK(node.await(2) ==
          Frames{R"([2,"room:a","update",{"price":12}])", R"([2,"room:a","news",[1,2]])"});
}

TEST_CASE("pitfall 8: what is no frame is dropped and counted, and nothing else happens") {
    const RedisServer redis;
    Node node(with(at(redis.address())));
    REQUIRE(node.ready());
    node.member("room:a");
    REQUIRE(eventually([&] { return redis.subscribers("chain:/socket:c:room:a") == 1; }));

    for (const auto* bad : {"''", "'{'", "'CCCCCCCCCCCCCCCCCCCCCCCCCCCCCC'", "'[1]'", "'{}'"})
        redis.cli(std::string("PUBLISH chain:/socket:c:room:a ") + bad);
    redis.cli(R"(PUBLISH chain:/socket:c:room:a '{"event":"n"}')");
    CHECK(node.await(1) == Frames{R"([2,"room:a","n",null])"});
    CHECK(node.watch->bad == 5);
    CHECK(node.watch->downs == 0);
}

TEST_CASE("a publication that several patterns of a node match comes once") {
    const RedisServer redis;
    Node one(with(at(redis.address())));
    Node two(with(at(redis.address())));
    REQUIRE(one.ready());
    REQUIRE(two.ready());
    test::Notes notes;
    const auto exact = two.handler->pubsub().subscribe("a[1]", notes.note("exact"));
    const auto some = two.handler->pubsub().subscribe("a[*", notes.note("some"));
    const auto all = two.handler->pubsub().subscribe("*", notes.note("all"));
    REQUIRE(eventually([&] { return redis.subscribers("chain:/socket:p:a[1]") == 1; }));
    REQUIRE(eventually([&] { return redis.cli("PUBSUB NUMPAT").find('3') != std::string::npos; }));

    for (const auto* topic : {"a[1]", "a[2]", "a1", "b"})
        REQUIRE_FALSE(one.handler->pubsub().publish(topic, 1));
    CHECK(notes.signal.wait([&] { return notes.seen.size() >= 7; }));
    CHECK(notes.all() == Frames{"exact a[1] 1", "some a[1] 1", "all a[1] 1", "some a[2] 1",
                                "all a[2] 1", "all a1 1", "all b 1"});
}

TEST_CASE("while Redis is gone, publishing is refused, members here are served, and it is told") {
    RedisServer redis;
    Cluster cluster(2, with(at(redis.address())));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    cluster[0].heard();

    redis.kill();
    REQUIRE(eventually([&] { return !cluster[0].handler->pubsub().ready(); }));
    CHECK(cluster[0].watch->downs >= 1);
    CHECK(eventually([&] { return cluster[0].say("room:a", "n", 0, 1) == Errc::adapter_down; }));
    CHECK(eventually([&] {
        cluster[0].listen();
        return !cluster[0].numbers["room:a"][0].empty();
    }));
    cluster[1].listen();
    CHECK(cluster[1].numbers["room:a"][0].empty());

    redis.start();
    test::take_up_again(cluster);
    CHECK(cluster[0].watch->ups == 2);
}

TEST_CASE("a paused Redis is noticed, and what was not answered is reported as lost") {
    const RedisServer redis;
    auto config = at(redis.address());
    config.ping = config.answer = std::chrono::milliseconds(500);
    Cluster cluster(2, with(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));

    redis.pause();
    for (int i = 0; i < 10; ++i) REQUIRE_FALSE(cluster[0].say("room:a", "late", 0, i));
    REQUIRE(eventually([&] { return !cluster[0].handler->pubsub().ready(); }));
    CHECK(eventually([&] { return cluster[0].watch->lost >= 10; }));
    const auto reasons = cluster[0].watch->reasons();
    REQUIRE_FALSE(reasons.empty());
    CHECK(reasons.front() == make_error_code(Errc::broker_silent).message() + " ");
    redis.resume();
    CHECK(cluster.ready());
    CHECK(cluster.hear_all("room:a"));
}

TEST_CASE("a server that takes connections but never answers is given up") {
    chain::net::io_context context;
    const chain::net::ip::tcp::acceptor mute(context, {chain::net::ip::address_v4::loopback(), 0});
    auto config = at(local(mute.local_endpoint().port()));
    config.connect = std::chrono::milliseconds(100);
    Node node(with(config));
    CHECK(node.watch->signal.wait([&] { return node.watch->downs > 0; }));
    CHECK(node.watch->reasons().front() == make_error_code(Errc::broker_silent).message() + " ");
    CHECK_FALSE(node.handler->pubsub().ready());
}

TEST_CASE("a connection that is cut comes back, with its topics") {
    const RedisServer redis;
    test::Proxy proxy(redis.port());
    Cluster cluster(2, with(at(local(proxy.port()))));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    for (int i = 0; i < 3; ++i) {
        const auto before = cluster[1].watch->ups.load();
        proxy.cut();
        REQUIRE(cluster[1].watch->signal.wait([&] { return cluster[1].watch->ups > before; }));
        CHECK(cluster.hear_all("room:a"));
    }
}

TEST_CASE("too much that waits for Redis is refused") {
    const RedisServer redis;
    auto config = at(redis.address());
    config.backlog_bytes = 100'000;
    Node node(with(config));
    REQUIRE(node.ready());
    redis.pause();
    const std::string big(10'000, 'x');
    chain::error_code last;
    int taken = 0;
    for (; !last && taken < 100; ++taken) last = node.handler->pubsub().publish("news", big);
    CHECK(last == Errc::adapter_full);
    CHECK(taken <= 10);
    redis.resume();
    CHECK(eventually([&] { return !node.handler->pubsub().publish("news", big); }));
}

TEST_CASE("Redis with users and passwords lets nodes in that know them") {
    const RedisServer redis({"--user", "node", "on", ">secret", "~*", "&*", "+@all"});
    auto config = at(redis.address());
    config.user = "node";
    config.password = "wrong";
    {
        Node node(with(config));
        REQUIRE(node.watch->signal.wait([&] { return node.watch->downs > 0; }));
        CHECK(node.watch->reasons().front().find("WRONGPASS") != std::string::npos);
    }
    config.password = "secret";
    Node node(with(config));
    CHECK(node.ready());
}

TEST_CASE("Redis is reached over TLS, and its certificate is checked") {
    const test::BrokerCertificate certificate;
    const auto port = test::free_port();
    const RedisServer redis({"--tls-port", std::to_string(port), "--tls-cert-file",
                             certificate.file(), "--tls-key-file", certificate.key(),
                             "--tls-auth-clients", "no"});
    test::reach_over_tls<RedisConfig>(at(local(port)), certificate, with);
}

TEST_CASE("a file of the settings for TLS that is not there is told, and ends nothing") {
    RedisConfig config;
    config.tls.enabled = true;
    config.tls.ca_file = "/no/such/file.pem";
    const Node node(with(config));
    CHECK(node.watch->signal.wait([&] { return node.watch->downs > 0; }));
    CHECK_FALSE(node.handler->pubsub().ready());
}

TEST_CASE("Sentinel says where Redis is, also when others are gone or refuse to") {
    const RedisServer redis;
    const test::TemporaryFolder folder;
    const auto port = test::free_port();
    std::ofstream(folder.file("sentinel.conf"))
        << "port " << port << "\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 " << redis.port()
        << " 1\n";
    const test::Process sentinel({"redis-server", folder.file("sentinel.conf"), "--sentinel"},
                                 folder.file("log"));
    REQUIRE(eventually([&] { return test::listens(port); }));
    RedisConfig config = at(local(1));
    // Nobody there, and no sentinel.
    config.sentinels = {local(test::free_port()), redis.address(), local(port)};
    config.master = "main";
    Cluster cluster(2, with(config));
    REQUIRE(cluster.ready());
    CHECK(cluster.meet("room:a"));
}

TEST_CASE("an adapter may outlive its io_context, and end before it") {
    const RedisServer redis;
    test::end_in_either_order(with(at(redis.address())));
}
