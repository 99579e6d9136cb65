// The adapter for NATS, against a real server.
#include "support/adapter_cases.hpp"
#include "support/nats_server.hpp"
#include "support/node.hpp"
#include "support/proxy.hpp"

#include <chain/adapters/nats.hpp>
#include <chain/detail/nats_subject.hpp>

#include <boost/asio/post.hpp>

#include <optional>
#include <thread>

using chain::Errc, chain::NatsConfig, chain::Payload;
using test::Cluster, test::eventually, test::Frames, test::nats_at, test::NatsServer, test::Node,
    test::through;

TEST_CASE("topics are NATS subjects, and back") {
    using chain::detail::nats_subject, chain::detail::nats_topic, chain::detail::nats_wildcards;
    CHECK(nats_subject("chain", "/socket:c:room:lobby") == "chain./socket.c.room.lobby");
    CHECK(nats_subject("c", "a.b *>%") == "c.a%2Eb%20%2A%3E%25");
    CHECK(nats_subject("c", "\xC3\xA9\t") == "c.%C3%A9%09");
    CHECK(nats_subject("c", "a::b:") == "c.a.%3Ab%3A");
    CHECK(nats_subject("c", ":a") == "c.%3Aa");
    for (const auto* topic :
         {"a", "a:b", "a::b", ":a:", ":::", "a.b", "a b", "\xC3\xA9", "%3A:%", "a>b*c", "x:y:z:"})
        CHECK(nats_topic("c", nats_subject("c", topic)) == std::string(topic));
    CHECK_FALSE(nats_topic("c", "d.a"));
    CHECK_FALSE(nats_topic("c", "c."));
    CHECK(nats_wildcards("c", "p:room:") == Frames{"c.p.room.>", "c.p.room%3A"});
    CHECK(nats_wildcards("c", "p:ro") == Frames{"c.p.>"});
    CHECK(nats_wildcards("c", "p:") == Frames{"c.p.>", "c.p%3A"});
    CHECK(nats_wildcards("c", "p::") == Frames{"c.p.>"});
}

TEST_CASE("three nodes behind NATS hear one another once, in order per publisher") {
    const NatsServer nats;
    test::hear_one_another(through(nats_at(nats.url())));
}

TEST_CASE("a node subscribes at NATS to what it has members of, until the last has left") {
    const NatsServer nats;
    Node one(through(nats_at(nats.url())));
    Node two(through(nats_at(nats.url())));
    REQUIRE(one.ready());
    REQUIRE(two.ready());
    one.member("room:a");
    two.member("room:a");
    CHECK(eventually([&] { return nats.subscribers("chain./socket.c.room.a") == 2; }));
    one.leave("room:a");
    CHECK(eventually([&] { return nats.subscribers("chain./socket.c.room.a") == 1; }));
}

TEST_CASE("a topic without members on a node sends that node no bytes, through NATS") {
    const NatsServer nats;
    test::Proxy proxy(nats.port());
    auto config = nats_at("nats://127.0.0.1:" + std::to_string(proxy.port()));
    config.ping = std::chrono::minutes(5);
    test::send_no_bytes(through(nats_at(nats.url())), through(config), proxy,
                        [&] { return nats.subscribers("chain./socket.c.room.b") == 1; });
}

TEST_CASE("a program that speaks NATS publishes to a cluster; what is no frame is dropped and "
          "counted") {
    const NatsServer nats;
    Node node(through(nats_at(nats.url())));
    REQUIRE(node.ready());
    node.member("room:a");
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.c.room.a") == 1; }));
    nats.publish("chain./socket.p.room.a", R"({"price": 12})");
    nats.publish("chain./socket.p.room.a", "{");
    nats.publish("chain./socket.c.room.a", "CCCCCCCCCCCCCCCCCCCCCCCCCCC");
    nats.publish("chain./socket.c.room.a", R"({"event": "news", "payload": [1, 2]})");
    CHECK(node.await(2) ==
          Frames{R"([2,"room:a","update",{"price":12}])", R"([2,"room:a","news",[1,2]])"});
    CHECK(node.watch->bad == 2);
}

TEST_CASE("a publication that several patterns of a node match comes once, through NATS") {
    const NatsServer nats;
    Node one(through(nats_at(nats.url())));
    Node two(through(nats_at(nats.url())));
    REQUIRE(one.ready());
    REQUIRE(two.ready());
    test::Notes notes;
    const auto exact = two.handler->pubsub().subscribe("a:b", notes.note("exact"));
    const auto some = two.handler->pubsub().subscribe("a:*", notes.note("some"));
    const auto odd = two.handler->pubsub().subscribe("a*", notes.note("odd"));
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.p.a.b") == 1; }));
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.p.a%3A") == 1; }));
    REQUIRE(eventually([&] {
        one.handler->pubsub().publish("ax", 0);
        return !notes.all().empty();
    }));
    const auto sorted = [&](const std::string& topic) {
        Frames found;
        for (const auto& line : notes.all())
            if (line.find(' ' + topic + " 1") != std::string::npos) found.push_back(line);
        std::ranges::sort(found);
        return found;
    };
    for (const auto* topic : {"a:b", "a:", "a", "b", "a:c:d", "last", "a!"})
        REQUIRE_FALSE(one.handler->pubsub().publish(topic, 1));
    CHECK(notes.signal.wait([&] {
        return std::ranges::count(notes.seen, "odd a! 1") == 1 &&
               std::ranges::count(notes.seen, "odd a 1") == 1;
    }));
    CHECK(eventually([&] { return sorted("a:c:d").size() == 2; }));
    CHECK(eventually([&] { return sorted("a:b").size() == 3; }));
    CHECK(sorted("a:b") == Frames{"exact a:b 1", "odd a:b 1", "some a:b 1"});
    CHECK(sorted("a:") == Frames{"odd a: 1", "some a: 1"});
    CHECK(sorted("a:c:d") == Frames{"odd a:c:d 1", "some a:c:d 1"});
    CHECK(sorted("b").empty());
}

TEST_CASE("while NATS is gone, publishing is refused, and it is told; after it, topics are heard "
          "again") {
    NatsServer nats;
    Cluster cluster(2, through(nats_at(nats.url())));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    nats.kill();
    REQUIRE(eventually([&] { return !cluster[0].handler->pubsub().ready(); }));
    CHECK(cluster[0].watch->downs >= 1);
    CHECK(cluster[0].watch->lost_reports == 1);
    CHECK(cluster[0].say("room:a", "n", 0, 1) == Errc::adapter_down);
    nats.start();
    test::take_up_again(cluster);
}

TEST_CASE("a paused NATS is noticed, and never holds up who publishes") {
    const NatsServer nats;
    auto config = nats_at(nats.url());
    config.ping = std::chrono::seconds(1);
    config.backlog_bytes = 4 << 20;
    Cluster cluster(2, through(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    nats.pause();
    const std::string big(100'000, 'x');
    chain::error_code last;
    for (int i = 0; i < 500 && !last; ++i)
        last = cluster[0].handler->pubsub().broadcast("room:a", "big", big);
    CHECK((last == Errc::adapter_full || last == Errc::adapter_down));
    CHECK(eventually([&] { return !cluster[0].handler->pubsub().ready(); }));
    nats.resume();
    CHECK(cluster.ready());
    for (int i = 0; i < 2; ++i) cluster[i].heard();
    CHECK(cluster.hear_all("room:a"));
}

TEST_CASE(
    "a node whose thread is held up for longer than NATS may be silent keeps its connection") {
    const NatsServer nats;
    auto config = nats_at(nats.url());
    config.ping = std::chrono::milliseconds(250);
    std::optional<chain::net::any_io_executor> executor;
    Node node([&](const chain::net::any_io_executor& its) {
        executor = its;
        return through(config)(its);
    });
    REQUIRE(node.ready());
    node.member("room:a");
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.c.room.a") == 1; }));
    test::Signal signal;
    bool over = false;
    chain::net::post(*executor, [&] {
        std::this_thread::sleep_for(config.ping * (config.pings + 2));
        signal.change([&] { over = true; });
    });
    REQUIRE(signal.wait([&] { return over; }));
    nats.publish("chain./socket.c.room.a", R"({"event": "news", "payload": 1})");
    CHECK(node.await(1) == Frames{R"([2,"room:a","news",1])"});
    CHECK(node.watch->downs == 0);
}

TEST_CASE("a node that takes too long with what NATS delivers loses the rest, and it is reported") {
    const NatsServer nats;
    auto config = nats_at(nats.url());
    config.waiting_messages = 100;
    test::Signal signal; // which outlives the nodes, as a call may still wait for it
    bool inside = false;
    bool go_on = false;
    Node fast(through(nats_at(nats.url())));
    Node slow(through(config));
    REQUIRE(fast.ready());
    REQUIRE(slow.ready());
    const auto subscription =
        slow.handler->pubsub().subscribe("news", [&](std::string_view, const Payload&) {
            signal.change([&] { inside = true; });
            signal.wait([&] { return go_on; });
        });
    REQUIRE(eventually([&] {
        fast.handler->pubsub().publish("news", 0);
        return signal.copy(inside);
    }));
    for (int i = 0; i < 1000; ++i) REQUIRE_FALSE(fast.handler->pubsub().publish("news", i));
    CHECK(slow.watch->signal.wait([&] { return slow.watch->lost_reports > 0; }));
    signal.change([&] { go_on = true; });
}

TEST_CASE("a node may start before NATS does, and knows a list of servers") {
    NatsServer nats;
    nats.kill();
    auto config = nats_at("nats://127.0.0.1:" + std::to_string(test::free_port()));
    config.servers.push_back(nats.url());
    Node node(through(config));
    CHECK_FALSE(node.handler->pubsub().ready());
    nats.start();
    CHECK(node.ready());
    CHECK(node.watch->signal.wait([&] { return node.watch->ups == 1; }));
}

TEST_CASE("NATS with users, passwords and tokens lets nodes in that know them") {
    SECTION("user and password") {
        const NatsServer nats("authorization { user: node, password: secret }");
        auto config = nats_at(nats.url());
        config.user = "node";
        config.password = "secret";
        CHECK(Node(through(config)).ready());
    }
    SECTION("a token") {
        const NatsServer nats("authorization { token: secret }");
        auto config = nats_at(nats.url());
        config.token = "secret";
        CHECK(Node(through(config)).ready());
    }
    SECTION("a wrong password") {
        const NatsServer nats("authorization { user: node, password: secret }");
        auto config = nats_at(nats.url());
        config.user = "node";
        config.password = "wrong";
        Node node(through(config));
        CHECK(node.watch->signal.wait([&] { return node.watch->downs > 0; }));
        CHECK_FALSE(node.handler->pubsub().ready());
    }
}

TEST_CASE("NATS is reached over TLS, and its certificate is checked") {
    const test::BrokerCertificate certificate;
    const NatsServer nats("tls { cert_file: \"" + certificate.file() + "\", key_file: \"" +
                          certificate.key() + "\" }");
    test::reach_over_tls<NatsConfig>(nats_at(nats.url()), certificate, through);
}

TEST_CASE("an adapter for NATS may outlive its io_context, and end before it") {
    const NatsServer nats;
    test::end_in_either_order(through(nats_at(nats.url())));
}
