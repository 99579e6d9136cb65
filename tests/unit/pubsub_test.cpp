// Pub/sub: plain subscribers, channels that subscribe, and adapters to other
// nodes.
#include "../support/core.hpp"

#include <chain/adapters/loopback.hpp>
#include <chain/detail/cluster_frame.hpp>

#include <stdexcept>
#include <thread>

using chain::Errc, chain::Json, chain::LeaveReason, chain::Payload, chain::Reply, chain::Socket;
using test::frame, test::Frames, test::plain_room;

namespace {

/// Writes down its calls, without those of what nodes say to one another; what it publishes goes
/// nowhere.
class RecordingAdapter final : public chain::Adapter {
  public:
    void start(Receive receive) override {
        if (throws) throw std::runtime_error("no broker");
        receive_ = std::move(receive);
        calls.push_back("start");
    }
    void subscribe(std::string_view topic) override {
        if (!topic.starts_with("/socket:n:")) calls.push_back("+" + std::string(topic));
    }
    void unsubscribe(std::string_view topic) override { calls.push_back("-" + std::string(topic)); }
    chain::error_code publish(std::string_view topic, std::string_view bytes) override {
        if (!topic.starts_with("/socket:n:")) {
            calls.push_back("!" + std::string(topic));
            published.emplace_back(bytes);
        }
        return fails ? make_error_code(Errc::adapter_failed) : chain::error_code();
    }
    void stop() override {
        calls.push_back("stop");
        if (throws) throw 1;
    }
    void report_to(Report told) override { report = std::move(told); }
    bool ready() const noexcept override { return is_ready; }
    void receive(std::string_view bytes, std::string_view topic = "/socket:c:room:a") {
        receive_(topic, bytes);
    }

    Frames calls, published;
    Report report;
    bool fails = false;
    bool throws = false; ///< When it is started or stopped.
    bool is_ready = true;

  private:
    Receive receive_;
};

/// One node of a cluster: a handler with a room, behind a hub.
struct Node {
    explicit Node(chain::LoopbackHub& hub) {
        handler.pubsub().attach(hub.adapter());
        kit = std::make_unique<chain::testing::Kit>(handler);
    }
    Frames received(chain::testing::Client& client) const {
        kit->run();
        return client.receive_all();
    }

    chain::Channel room = plain_room();
    chain::Handler handler = test::handler_with({room});
    std::unique_ptr<chain::testing::Kit> kit;
};

} // namespace

TEST_CASE("plain subscribers are called by pattern until their subscription ends") {
    chain::Handler handler = test::handler_with({});
    auto pubsub = handler.pubsub();
    Frames seen;
    const auto note = [&](std::string name) {
        return [&seen, name](std::string_view topic, const Payload& payload) {
            seen.push_back(name + " " + std::string(topic) + " " + std::string(payload.raw()));
        };
    };
    auto exact = pubsub.subscribe("news", note("exact"));
    {
        const auto prefix = pubsub.subscribe("ne*", note("prefix"));
        CHECK_FALSE(pubsub.publish("news", {{"a", 1}}));
        CHECK(seen == Frames{R"(exact news {"a":1})", R"(prefix news {"a":1})"});
        CHECK_FALSE(pubsub.publish("nettle", *Payload::from_text("2")));
        CHECK(seen.back() == "prefix nettle 2");
    }
    pubsub.publish("nettle", 3);
    CHECK(seen.size() == 3);
    exact.reset();
    pubsub.publish("news", 4);
    CHECK(seen.size() == 3);

    CHECK(pubsub.publish("a*", 1) == Errc::invalid_topic);
    CHECK(pubsub.publish("news", "\xFF") == Errc::invalid_payload);
    CHECK(pubsub.broadcast("", "x") == Errc::invalid_topic);
    CHECK(pubsub.broadcast("news", "_x") == Errc::invalid_event);
    CHECK_THROWS_AS(pubsub.subscribe("a*b", note("")), std::invalid_argument);
}

TEST_CASE("a subscriber that throws does not keep the others from their call") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    chain::Handler handler{config};
    int calls = 0;
    const auto first = handler.pubsub().subscribe(
        "a", [](std::string_view, const Payload&) { throw std::runtime_error("no"); });
    const auto second =
        handler.pubsub().subscribe("a", [&](std::string_view, const Payload&) { ++calls; });

    CHECK_FALSE(handler.pubsub().publish("a", 1));
    CHECK(calls == 1);
    CHECK(observer->count("log a subscriber threw: no") == 1);
}

TEST_CASE("a subscription may end itself, and outlive its handler") {
    auto handler = std::make_unique<chain::Handler>(test::quiet());
    chain::Subscription subscription;
    int calls = 0;
    subscription = handler->pubsub().subscribe("a", [&](std::string_view, const Payload&) {
        ++calls;
        subscription.reset();
    });
    handler->pubsub().publish("a", 1);
    handler->pubsub().publish("a", 1);
    CHECK(calls == 1);
    auto other = handler->pubsub().subscribe("b", [](std::string_view, const Payload&) {});
    handler.reset();
    other.reset();
}

TEST_CASE("a channel that subscribed turns publications into events of its sockets") {
    auto room = plain_room();
    room.subscribe("room:*", "update");
    room.on_out("update", [](Socket&, Json payload) -> std::optional<Json> {
        return Json{{"new", payload}};
    });
    auto hall = chain::Channel{"hall:*"};
    hall.on_join([](Socket&) {});
    hall.subscribe("hall:1", "one").subscribe("hall:*", "any");
    chain::testing::Kit kit{test::handler_with({room, hall})};
    auto client = kit.connect();
    test::join(client, "room:a", 1);
    test::join(client, "hall:1", 2);
    test::join(client, "hall:2", 3);

    CHECK_FALSE(kit.handler().pubsub().publish("room:a", {{"v", 1}}));
    kit.run();
    CHECK(client.receive_all() == Frames{R"([0,1,0,"room:a","update",{"new":{"v":1}}])"});
    kit.handler().pubsub().publish("hall:1", 1);
    kit.handler().pubsub().publish("hall:2", 2);
    kit.handler().pubsub().publish("room:nobody", 3);
    kit.run();
    CHECK(client.receive_all() ==
          Frames{R"([2,"hall:1","one",1])", R"([2,"hall:1","any",1])", R"([2,"hall:2","any",2])"});
}

TEST_CASE("pitfall 38: one event reaches a socket once, however many patterns "
          "of its channel match") {
    auto room = plain_room();
    room.subscribe("room:*", "update").subscribe("room:a", "update");
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    kit.handler().pubsub().publish("room:a", 1);
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","update",1])"});
}

TEST_CASE("a publication that can be no event of strict Phoenix clients is told of") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    config.phoenix = chain::PhoenixClients::strict;
    auto room = plain_room();
    room.subscribe("room:*", "update");
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    test::join(client, "room:a");
    CHECK_FALSE(kit.handler().pubsub().publish("room:a", 1));
    CHECK_FALSE(kit.handler().pubsub().publish("room:a", {{"v", 2}}));
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","update",{"v":2}])"});
    CHECK(observer->count("log a publication became no event: " +
                          make_error_code(Errc::not_an_object).message()) == 1);
}

TEST_CASE("pitfall 39: without another node, a publication arrives as what was "
          "published") {
    chain::LoopbackHub hub;
    Node node(hub);
    std::string seen;
    const auto subscription =
        node.handler.pubsub().subscribe("direct:*", [&](std::string_view, const Payload& payload) {
            seen += payload.raw();
            CHECK_FALSE(payload.is_binary());
        });

    node.handler.pubsub().publish("direct:a", {{"a", 1}});
    CHECK(seen == R"({"a":1})");
}

TEST_CASE("nodes behind one hub share their broadcasts and publications") {
    chain::LoopbackHub hub;
    Node one(hub);
    Node two(hub);
    auto ann = one.kit->connect();
    auto bob = two.kit->connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");

    ann.send(frame(1, 2, "room:a", "say", R"({"a":"é"})"));
    CHECK(ann.receive_all() == Frames{R"([2,"room:a","said",{"a":"é"}])"});
    CHECK(two.received(bob) == Frames{R"([2,"room:a","said",{"a":"é"}])"});

    ann.send(frame(1, 3, "room:a", "others", "2"));
    CHECK(ann.receive_all().empty());
    CHECK(two.received(bob) == Frames{R"([2,"room:a","said",2])"});

    two.room.local_broadcast("room:a", "here", 3);
    CHECK(two.received(bob) == Frames{R"([2,"room:a","here",3])"});
    CHECK(one.received(ann).empty());

    one.room.broadcast("room:a", "bytes", Payload::from_bytes("a"));
    CHECK(two.received(bob) == Frames{R"([2,"room:a","bytes",{"$binary":"YQ=="}])"});
    one.received(ann);

    Frames seen;
    const auto plain =
        two.handler.pubsub().subscribe("ne*", [&](std::string_view topic, const Payload& p) {
            seen.push_back(std::string(topic) + std::string(p.raw()));
        });
    one.handler.pubsub().publish("news", {{"a", 1}});
    one.handler.pubsub().publish("room:a", 5);
    CHECK(seen == Frames{R"(news{"a":1})"});
    CHECK(two.received(bob).empty());
}

TEST_CASE("broadcasts between nodes keep their order, also those that come "
          "while a join runs") {
    chain::LoopbackHub hub;
    Node one(hub);
    Node two(hub);
    auto bob = two.kit->connect();
    test::join(bob, "room:a");
    Frames expected;
    for (int i = 0; i < 200; ++i) {
        one.room.broadcast("room:a", "n", i);
        expected.push_back(R"([2,"room:a","n",)" + std::to_string(i) + "]");
    }
    CHECK(two.received(bob) == expected);
}

TEST_CASE("pitfall 38: a node does not hear itself, even from a broker that echoes") {
    const auto adapter = std::make_shared<RecordingAdapter>();
    auto room = plain_room();
    auto handler = test::handler_with({room});
    handler.pubsub().attach(adapter);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");

    client.send(frame(1, 2, "room:a", "say", "1"));
    REQUIRE(adapter->published.size() == 1);
    adapter->receive(adapter->published.front());
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","said",1])"});
}

TEST_CASE("pitfall 33: a node hears a topic until its last subscriber has gone") {
    chain::LoopbackHub hub;
    Node one(hub);
    Node two(hub);
    auto ann = two.kit->connect();
    auto bob = two.kit->connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");
    ann.send(frame(1, 2, "room:a", "_leave"));

    one.room.broadcast("room:a", "n", 1);
    CHECK(two.received(bob) == Frames{R"([2,"room:a","n",1])"});
    bob.send(frame(1, 3, "room:a", "_leave"));
    bob.receive_all();
    test::join(bob, "room:a", 4);
    one.room.broadcast("room:a", "n", 2);
    CHECK(two.received(bob).back() == R"([2,"room:a","n",2])");
}

TEST_CASE("pitfall 35: an adapter is told of a topic's first subscriber and of "
          "its last, and of no other") {
    const auto adapter = std::make_shared<RecordingAdapter>();
    auto handler = test::handler_with({plain_room()});
    handler.pubsub().attach(adapter);
    {
        chain::testing::Kit kit{handler};
        auto ann = kit.connect();
        auto bob = kit.connect();
        test::join(ann, "room:a", 1);
        test::join(bob, "room:a", 1);
        ann.send(frame(2, 2, "room:a", "_join"));
        CHECK(adapter->calls == Frames{"start", "+/socket:c:room:a"});
        ann.send(frame(2, 3, "room:a", "_leave"));
        CHECK(adapter->calls.size() == 2);
        bob.disconnect();
        CHECK(adapter->calls.back() == "-/socket:c:room:a");
        ann.send(frame(4, 4, "room:nobody", "say"));
        CHECK(adapter->calls.size() == 3);

        auto first = handler.pubsub().subscribe("news", [](std::string_view, const Payload&) {});
        auto second = handler.pubsub().subscribe("news", [](std::string_view, const Payload&) {});
        auto prefix = handler.pubsub().subscribe("new*", [](std::string_view, const Payload&) {});
        first.reset();
        CHECK(adapter->calls == Frames{"start", "+/socket:c:room:a", "-/socket:c:room:a",
                                       "+/socket:p:news", "+/socket:p:new*"});
        second.reset();
        prefix.reset();
        ann.receive_all();
        CHECK(adapter->calls.back() == "-/socket:p:new*");
        test::join(ann, "room:b", 5);
    }
    handler = test::handler_with({});
    CHECK(adapter->calls.back() == "stop");
    CHECK(std::ranges::count(adapter->calls, "stop") == 1);
}

TEST_CASE("of several adapters, the one with the best pattern carries a topic") {
    const auto all = std::make_shared<RecordingAdapter>();
    const auto rooms = std::make_shared<RecordingAdapter>();
    const auto lobby = std::make_shared<RecordingAdapter>();
    auto handler =
        test::handler_with({plain_room(), chain::Channel{"hall:*"}.on_join([](Socket&) {})});
    handler.pubsub().attach(all);
    handler.pubsub().attach("room:*", rooms);
    handler.pubsub().attach("room:lobby", lobby);
    CHECK_THROWS_AS(handler.pubsub().attach("room:*", rooms), std::invalid_argument);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "hall:a", 1);
    test::join(client, "room:a", 2);
    test::join(client, "room:lobby", 3);

    handler.pubsub().broadcast("hall:a", "x");
    handler.pubsub().broadcast("room:a", "x");
    handler.pubsub().broadcast("room:lobby", "x");
    CHECK(all->calls == Frames{"start", "+/socket:c:hall:a", "!/socket:c:hall:a"});
    CHECK(rooms->calls == Frames{"start", "+/socket:c:room:a", "!/socket:c:room:a"});
    CHECK(lobby->calls == Frames{"start", "+/socket:c:room:lobby", "!/socket:c:room:lobby"});
    CHECK_THROWS_AS(handler.pubsub().attach("late", lobby), std::logic_error);
}

TEST_CASE("an adapter that fails is reported, and the node's own clients are "
          "served") {
    const auto adapter = std::make_shared<RecordingAdapter>();
    adapter->fails = true;
    auto room = plain_room();
    auto handler = test::handler_with({room});
    handler.pubsub().attach(adapter);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");

    CHECK(room.broadcast("room:a", "x") == Errc::adapter_failed);
    CHECK(client.session().socket("room:a")->broadcast("y") == Errc::adapter_failed);
    CHECK_FALSE(room.local_broadcast("room:a", "z"));
    CHECK(handler.pubsub().publish("news", 1) == Errc::adapter_failed);
    kit.run();
    CHECK(client.receive_all().size() == 3);
}

TEST_CASE("an adapter that could not be started carries nothing, and another may take its place") {
    const auto broken = std::make_shared<RecordingAdapter>();
    broken->throws = true;
    auto handler = test::handler_with({plain_room()});
    CHECK_THROWS_AS(handler.pubsub().attach(broken), std::runtime_error);
    CHECK_FALSE(handler.pubsub().broadcast("room:a", "x"));
    CHECK(broken->calls.empty());

    const auto good = std::make_shared<RecordingAdapter>();
    handler.pubsub().attach(good);
    CHECK_FALSE(handler.pubsub().broadcast("room:a", "x"));
    CHECK(good->calls == Frames{"start", "!/socket:c:room:a"});
    handler = test::handler_with({});
    CHECK(broken->calls.empty());
    CHECK(good->calls.back() == "stop");
}

TEST_CASE("an adapter that throws when it is stopped is told of, and the others are stopped") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    const auto first = std::make_shared<RecordingAdapter>();
    const auto second = std::make_shared<RecordingAdapter>();
    auto handler = test::handler_with({plain_room()}, config);
    handler.pubsub().attach(first);
    handler.pubsub().attach("room:*", second);
    first->throws = true;
    handler = test::handler_with({});
    CHECK(first->calls.back() == "stop");
    CHECK(second->calls.back() == "stop");
    CHECK(observer->count("log an adapter threw something that is no std::exception") == 1);
}

TEST_CASE("pitfall 8: a cluster frame that cannot be read is dropped and counted") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    const auto adapter = std::make_shared<RecordingAdapter>();
    auto room = plain_room();
    auto handler = test::handler_with({room}, config);
    handler.pubsub().attach(adapter);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");
    chain::detail::ClusterFrame good;
    good.kind = chain::detail::ClusterFrame::Kind::broadcast;
    good.binary = false;
    good.node = {};
    good.topic = "room:a";
    good.event = "n";
    good.payload = "[1]";
    const auto bytes = chain::detail::write_cluster_frame(good);
    adapter->receive(bytes);
    kit.run();
    REQUIRE(client.receive_all() == Frames{R"([2,"room:a","n",[1]])"});

    std::size_t bad = 0;
    const auto drop = [&](const std::string& text) {
        INFO(Json(text).dump(-1, ' ', true, Json::error_handler_t::replace));
        adapter->receive(text);
        kit.run();
        CHECK(client.receive_all().empty());
        ++bad;
    };
    for (std::size_t size = 0; size < bytes.size(); ++size) drop(bytes.substr(0, size));
    for (const std::size_t at : {0U, 1U, 2U}) {
        auto wrong = bytes;
        wrong[at] = '\x7f';
        drop(wrong);
    }
    drop(bytes + "x");
    const auto with = [&](std::string_view topic, std::string_view event,
                          std::string_view payload) {
        auto frame = good;
        frame.topic = topic;
        frame.event = event;
        frame.payload = payload;
        drop(chain::detail::write_cluster_frame(frame));
    };
    with("room:*", "n", "1");
    with("room:a ", "n", "1");
    with("", "n", "1");
    with("room:a", "_close", "1");
    with("room:a", "", "1");
    with("room:a", "n", "");
    with("room:a", "n", "{");
    with("room:a", "n", "\"\xFF\"");
    with("room:a", "n", "[1,\n2]");
    with("room:a", "n", "1\n");
    with("room:b", "n", "1");
    CHECK(observer->count("bad frame " +
                          std::to_string(static_cast<int>(Errc::invalid_cluster_frame))) == bad);
    adapter->receive(bytes);
    kit.run();
    CHECK(client.receive_all().size() == 1);
}

TEST_CASE("pitfall 41: a frame is taken for the topic that it came on, and for no other") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    const auto adapter = std::make_shared<RecordingAdapter>();
    auto handler = test::handler_with({plain_room()}, config);
    handler.pubsub().attach(adapter);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");
    int published = 0;
    const auto subscription =
        handler.pubsub().subscribe("*", [&](std::string_view, const Payload&) { ++published; });
    chain::detail::ClusterFrame frame;
    frame.topic = "room:a";
    frame.event = "n";
    frame.payload = "1";
    const auto bytes = chain::detail::write_cluster_frame(frame);
    const Frames wrong = {"/socket:p:room:a",
                          "/socket:c:room:",
                          "/socket:x:room:a",
                          "/socket:",
                          "/other:c:room:a",
                          "room:a",
                          ""};
    for (const auto& topic : wrong) adapter->receive(bytes, topic);
    kit.run();
    CHECK(client.receive_all().empty());
    CHECK(published == 0);
    CHECK(observer->count("bad frame " + std::to_string(static_cast<int>(
                                             Errc::invalid_cluster_frame))) == wrong.size());
}

TEST_CASE("a program that knows nothing of cluster frames publishes JSON") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    const auto adapter = std::make_shared<RecordingAdapter>();
    auto room = plain_room();
    room.subscribe("room:*", "update");
    auto handler = test::handler_with({room}, config);
    handler.pubsub().attach(adapter);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");

    adapter->receive("{ \"a\": [1,\n2] }", "/socket:p:room:a");
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","update",{"a":[1,2]}])"});
    adapter->receive(R"({"event": "said", "payload": {"b": "é"}})", "/socket:c:room:a");
    adapter->receive(R"({"event": "said"})", "/socket:c:room:a");
    kit.run();
    CHECK(client.receive_all() ==
          Frames{R"([2,"room:a","said",{"b":"é"}])", R"([2,"room:a","said",null])"});

    const auto bad = [&](std::string_view topic, std::string_view text) {
        const auto before = observer->lines.size();
        adapter->receive(text, topic);
        kit.run();
        CHECK(client.receive_all().empty());
        CHECK(observer->lines.size() == before + 1);
        CHECK(observer->lines.back().starts_with("bad frame "));
    };
    for (const auto* text : {"", "{", "\xFF", "1 2", "\"a\nb\""}) bad("/socket:p:room:a", text);
    for (const auto* text : {"1", "[]", "{}", R"({"event":1})", R"({"event":""})",
                             R"({"event":"_close"})", R"({"event":"a,b"})"})
        bad("/socket:c:room:a", text);
    bad("/socket:p:", "1");
    bad("/socket:p:a*", "1");
}

TEST_CASE("endpoints with colons do not meet in one broker") {
    const auto one = std::make_shared<RecordingAdapter>();
    auto config = test::quiet();
    config.endpoint = "/a:c:b";
    chain::Handler handler{config};
    handler.pubsub().attach(one);
    handler.pubsub().broadcast("x", "n");
    CHECK(one->calls.back() == "!/a%3Ac%3Ab:c:x");
}

TEST_CASE("what an adapter tells of its broker reaches the observer, and readiness") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    const auto rooms = std::make_shared<RecordingAdapter>();
    const auto all = std::make_shared<RecordingAdapter>();
    chain::Handler handler{config};
    CHECK(handler.pubsub().ready());
    handler.pubsub().attach("room:*", rooms);
    handler.pubsub().attach(all);
    CHECK(handler.pubsub().ready());
    rooms->is_ready = false;
    CHECK_FALSE(handler.pubsub().ready());

    using Kind = chain::AdapterNotice::Kind;
    rooms->report({Kind::down, make_error_code(Errc::broker_silent), 0, "why"});
    rooms->report({Kind::lost, make_error_code(Errc::adapter_down), 3, {}});
    rooms->report({Kind::up, {}, 0, {}});
    CHECK(observer->lines ==
          Frames{"adapter down room:* " + std::to_string(static_cast<int>(Errc::broker_silent)) +
                     " why",
                 "adapter lost room:* 3", "adapter up room:*"});
}

TEST_CASE("a cluster frame of more than 16 MiB is dropped") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    const auto adapter = std::make_shared<RecordingAdapter>();
    chain::Handler handler{config};
    handler.pubsub().attach(adapter);
    std::size_t heard = 0;
    const auto subscription = handler.pubsub().subscribe(
        "big", [&](std::string_view, const Payload& payload) { heard = payload.raw().size(); });
    std::string text(chain::detail::max_cluster_frame, 'x');
    text.front() = text.back() = '"';
    adapter->receive(text, "/socket:p:big");
    CHECK(heard == text.size());
    text.insert(1, 1, 'x');
    adapter->receive(text, "/socket:p:big");
    CHECK(heard == text.size() - 1);
    CHECK(observer->lines.size() == 1);
}

TEST_CASE("what would be a cluster frame of more than 16 MiB is refused, and stays on this node") {
    const auto adapter = std::make_shared<RecordingAdapter>();
    auto handler = test::handler_with({});
    handler.pubsub().attach(adapter);
    std::size_t heard = 0;
    const auto subscription = handler.pubsub().subscribe(
        "big", [&](std::string_view, const Payload& payload) { heard = payload.raw().size(); });
    chain::detail::ClusterFrame empty;
    empty.topic = "big";
    const auto most = chain::detail::max_cluster_frame - cluster_frame_size(empty);

    CHECK_FALSE(handler.pubsub().publish("big", Payload::from_bytes(std::string(most, 'x'))));
    REQUIRE(adapter->published.size() == 1);
    CHECK(chain::detail::read_cluster_frame(adapter->published[0])->payload.size() == most);
    const auto over = Payload::from_bytes(std::string(most + 1, 'x'));
    CHECK(handler.pubsub().publish("big", over) == Errc::message_too_big);
    CHECK(handler.pubsub().broadcast("big", "x", over) == Errc::message_too_big);
    CHECK(heard == most + 1);
    CHECK(adapter->published.size() == 1);
}
