// The adapter for NATS, against a real server.
#include "support/nats_server.hpp"
#include "support/node.hpp"
#include "support/proxy.hpp"

#include <chain/adapters/nats.hpp>
#include <chain/detail/nats_subject.hpp>

using chain::Errc, chain::NatsConfig, chain::Payload;
using test::Cluster, test::eventually, test::Frames, test::NatsServer, test::Node;

namespace {

NatsConfig nats_at(const std::string& url) {
    NatsConfig config;
    config.servers = {url};
    config.grace = std::chrono::milliseconds(1);
    config.ping = std::chrono::milliseconds(500);
    config.reconnect = config.jitter = std::chrono::milliseconds(50);
    return config;
}

Node::MakeAdapter through(const NatsConfig& config) {
    return [config](const chain::net::any_io_executor& executor) {
        return std::make_shared<chain::NatsAdapter>(executor, config);
    };
}

} // namespace

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
    Cluster cluster(3, through(nats_at(nats.url())));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));

    for (int i = 0; i < 500; ++i)
        for (int from = 0; from < 3; ++from)
            REQUIRE_FALSE(cluster[from].say("room:a", "n", from, i));
    CHECK(cluster.heard("room:a", 500, 3));
    CHECK(cluster.exact("room:a", 500, 3));
    for (int i = 0; i < 3; ++i) CHECK(cluster[i].watch->lost_reports == 0);
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
    Node near(through(nats_at(nats.url())));
    auto config = nats_at("nats://127.0.0.1:" + std::to_string(proxy.port()));
    config.ping = std::chrono::minutes(5);
    Node far(through(config));
    REQUIRE(near.ready());
    REQUIRE(far.ready());
    near.member("room:a");
    far.member("room:b");
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.c.room.b") == 1; }));

    const auto before = proxy.bytes_to_client();
    const std::string big(1000, 'x');
    for (int i = 0; i < 200; ++i)
        REQUIRE_FALSE(near.handler->pubsub().broadcast("room:a", "n", big));
    REQUIRE_FALSE(near.handler->pubsub().broadcast("room:b", "n", big));
    Frames heard;
    CHECK(eventually([&] {
        for (auto& text : far.heard()) heard.push_back(std::move(text));
        return heard.size() == 1;
    }));
    CHECK(proxy.bytes_to_client() - before < 2500);
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
    Frames heard;
    CHECK(eventually([&] {
        for (auto& text : node.heard()) heard.push_back(std::move(text));
        return heard.size() == 2;
    }));
    CHECK(heard == Frames{R"([2,"room:a","update",{"price":12}])", R"([2,"room:a","news",[1,2]])"});
    CHECK(node.watch->bad == 2);
}

TEST_CASE("a publication that several patterns of a node match comes once, through NATS") {
    const NatsServer nats;
    Node one(through(nats_at(nats.url())));
    Node two(through(nats_at(nats.url())));
    REQUIRE(one.ready());
    REQUIRE(two.ready());
    test::Signal signal;
    Frames seen;
    const auto note = [&](std::string name) {
        return [&, name](std::string_view topic, const Payload& payload) {
            signal.change([&] {
                seen.push_back(name + " " + std::string(topic) + " " + std::string(payload.raw()));
            });
        };
    };
    const auto exact = two.handler->pubsub().subscribe("a:b", note("exact"));
    const auto some = two.handler->pubsub().subscribe("a:*", note("some"));
    const auto odd = two.handler->pubsub().subscribe("a*", note("odd"));
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.p.a.b") == 1; }));
    REQUIRE(eventually([&] { return nats.subscribers("chain./socket.p.a%3A") == 1; }));
    REQUIRE(eventually([&] {
        one.handler->pubsub().publish("ax", 0);
        return signal.copy(seen).size() > 0;
    }));
    std::this_thread::sleep_for(std::chrono::milliseconds(0));
    const auto sorted = [&](const std::string& topic) {
        Frames found;
        for (const auto& line : signal.copy(seen))
            if (line.find(' ' + topic + " 1") != std::string::npos) found.push_back(line);
        std::ranges::sort(found);
        return found;
    };
    for (const auto* topic : {"a:b", "a:", "a", "b", "a:c:d", "last", "a!"})
        REQUIRE_FALSE(one.handler->pubsub().publish(topic, 1));
    CHECK(signal.wait([&] {
        return std::ranges::count(seen, "odd a! 1") == 1 &&
               std::ranges::count(seen, "odd a 1") == 1;
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
    CHECK(cluster.ready());
    REQUIRE(cluster.hear_all("room:a"));
    for (int i = 0; i < 2; ++i) cluster[i].numbers.clear();
    for (int i = 0; i < 100; ++i) REQUIRE_FALSE(cluster[0].say("room:a", "n", 0, i));
    CHECK(cluster.heard("room:a", 100, 1));
    CHECK(cluster.exact("room:a", 100, 1));
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

TEST_CASE("a node that takes too long with what NATS delivers loses the rest, and it is reported") {
    const NatsServer nats;
    auto config = nats_at(nats.url());
    config.waiting_messages = 100;
    Node fast(through(nats_at(nats.url())));
    Node slow(through(config));
    REQUIRE(fast.ready());
    REQUIRE(slow.ready());
    test::Signal signal;
    bool inside = false;
    bool go_on = false;
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
    const test::TemporaryFolder folder;
    test::output_of("cd " + folder.path() +
                    " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out "
                    "cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>&1");
    const NatsServer nats("tls { cert_file: \"" + folder.file("cert.pem") + "\", key_file: \"" +
                          folder.file("key.pem") + "\" }");
    auto config = nats_at(nats.url());
    config.tls.enabled = true;
    {
        Node node(through(config));
        CHECK(node.watch->signal.wait([&] { return node.watch->downs > 0; }));
        CHECK_FALSE(node.handler->pubsub().ready());
    }
    config.tls.ca_file = folder.file("cert.pem");
    config.tls.server_name = "localhost";
    Cluster cluster(2, through(config));
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    for (int i = 0; i < 500; ++i) REQUIRE_FALSE(cluster[0].say("room:a", "n", 0, i));
    CHECK(cluster.heard("room:a", 500, 1));
    CHECK(cluster.exact("room:a", 500, 1));
}

TEST_CASE("an adapter for NATS may outlive its io_context, and end before it") {
    const NatsServer nats;
    for (const bool context_first : {true, false}) {
        auto context = std::make_unique<chain::net::io_context>();
        std::optional<chain::Handler> handler(std::in_place, test::quiet());
        handler->pubsub().attach(
            std::make_shared<chain::NatsAdapter>(context->get_executor(), nats_at(nats.url())));
        const auto subscription =
            handler->pubsub().subscribe("news", [](std::string_view, const Payload&) {});
        REQUIRE(eventually([&] {
            context->poll();
            return handler->pubsub().ready();
        }));
        CHECK_FALSE(handler->pubsub().publish("news", 1));
        if (context_first) {
            context.reset();
            CHECK(handler->pubsub().publish("news", 1));
            CHECK_FALSE(handler->pubsub().ready());
        }
        handler.reset();
    }
}
