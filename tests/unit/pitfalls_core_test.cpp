// What went wrong in other libraries and must not here, by the numbers of the
// list of pitfalls.
#include "../support/core.hpp"

#include <chain/adapters/loopback.hpp>
#include <chain/detail/handler_core.hpp>

#include <stdexcept>
#include <thread>

using chain::Errc, chain::Json, chain::LeaveReason, chain::Reply, chain::Socket;
using test::answers, test::frame, test::Frames, test::plain_room;
using namespace std::chrono_literals;

namespace {

/// Does the handler still keep anything for this topic?
bool known(chain::testing::Kit& kit, std::string_view topic) {
    const auto& core = chain::detail::HandlerAccess::core(kit.handler());
    bool found = core->pubsub().router().contains(topic);
    for (const auto& lane : core->lanes()) found |= lane->find_topic(topic) != nullptr;
    return found;
}

} // namespace

TEST_CASE("pitfall 1: a socket kept after leave never reaches another client") {
    std::vector<Socket> kept;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket& socket) { kept.push_back(socket); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    for (int i = 1; i <= 50; ++i) {
        test::join(ann, "room:a", i);
        ann.send(frame(i, 1000 + i, "room:a", "_leave"));
        ann.receive_all();
    }
    auto bob = kit.connect();
    test::join(bob, "room:b");

    for (int i = 0; i < 50; ++i) {
        auto& socket = kept[static_cast<std::size_t>(i)];
        CHECK(socket.push("late") == Errc::not_joined);
        CHECK(socket.send("[2,\"room:a\",\"late\",1]") == Errc::not_joined);
        CHECK(socket.broadcast("late") == Errc::not_joined);
        CHECK(socket.topic() == "room:a");
        CHECK(socket.status() == chain::SocketStatus::removed);
        chain::error_code elsewhere;
        std::thread([&] { elsewhere = socket.push("late"); }).join();
        CHECK(elsewhere == Errc::not_joined);
    }
    kit.run();
    CHECK(ann.receive_all().empty());
    CHECK(bob.receive_all().empty());
}

TEST_CASE("pitfall 2: no exception of a handler reaches the process") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("get", [](Socket&, const Json& payload) { return Reply::ok(payload.at("x")); });
    room.on("odd", [](Socket&) { throw 1; });
    room.on("say", [](Socket& socket) { socket.broadcast("said"); });
    room.on_out("said", [](Socket&, const Json&) -> std::optional<Json> {
        throw std::runtime_error("out");
    });
    room.on_leave([](Socket&, LeaveReason) { throw std::runtime_error("leave"); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();

    test::join(client, "room:a", 1);
    CHECK(answers(client, frame(1, 2, "room:a", "get", "[1]")) ==
          Frames{R"([1,1,2,1,{"reason":"bad payload"}])"});
    CHECK(answers(client, frame(1, 3, "room:a", "odd")) ==
          Frames{R"([1,1,3,1,{"reason":"internal error"}])", R"([0,1,0,"room:a","_error",{}])"});
    test::join(client, "room:a", 4);
    CHECK(answers(client, frame(4, 5, "room:a", "say")) ==
          Frames{R"([0,4,0,"room:a","_error",{}])"});
    test::join(client, "room:a", 6);
    CHECK(answers(client, frame(6, 7, "room:a", "_leave")) == Frames{"[1,6,7,0,{}]"});
}

TEST_CASE("pitfall 3: the leave handler can broadcast and read its state, but "
          "not push") {
    Frames said;
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket, const Json& params) {
        socket.state<std::string>() = params.value("name", "");
        socket.set("color", "red");
    });
    room.on_leave([&](Socket& socket, LeaveReason why) {
        CHECK(socket.status() == chain::SocketStatus::leaving);
        CHECK(socket.push("no") == (why == LeaveReason::close ? Errc::closed : Errc::not_joined));
        CHECK_FALSE(socket.broadcast("left", {{"name", socket.state<std::string>()},
                                              {"color", socket.get("color")},
                                              {"why", static_cast<int>(why)}}));
    });
    room.on("crash", [](Socket&) { throw std::runtime_error("crash"); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto watcher = kit.connect();
    test::join(watcher, "room:a");
    watcher.receive_all();
    auto client = kit.connect();
    client.send(frame(1, 1, "room:a", "_join", R"({"name":"ann"})"));
    client.receive_all();

    const auto [act, why] = GENERATE(table<int, int>({{0, 0}, {1, 1}, {2, 2}, {3, 3}}));
    if (act == 0) client.send(frame(1, 2, "room:a", "_leave"));
    if (act == 1) client.send(frame(2, 2, "room:a", "_join"));
    if (act == 2) client.disconnect();
    if (act == 3) client.send(frame(1, 2, "room:a", "crash"));
    CHECK(watcher.receive_all() ==
          Frames{R"([2,"room:a","left",{"color":"red","name":"ann","why":)" + std::to_string(why) +
                 "}]"});
    for (const auto& text : client.receive_all()) CHECK(text.find("left") == std::string::npos);
}

TEST_CASE("pitfall 4: a leave handler may use the session and the handler") {
    int calls = 0;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    chain::Handler handler{test::quiet()};
    room.on_leave([&](Socket& socket, LeaveReason) {
        ++calls;
        CHECK(socket.session().socket(socket.topic()) == socket);
        CHECK_FALSE(socket.session().socket("room:c"));
        socket.session().close();
        CHECK(handler.sessions() == 1);
        for (int i = 0; i < 100; ++i) socket.broadcast("left");
    });
    handler.add(room);
    {
        chain::testing::Kit kit{handler};
        auto client = kit.connect();
        test::join(client, "room:a", 1);
        test::join(client, "room:b", 2);
        client.send(frame(1, 3, "room:a", "_leave"));
        CHECK(calls == 2);
        CHECK(client.close_code() == 1000);
        CHECK(handler.sessions() == 0);
    }
}

TEST_CASE("pitfall 5: a join with a trailing space cannot disturb the room of "
          "that name") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    test::join(ann, "room:lobby");

    CHECK(answers(bob, frame(1, 1, "room:lobby ", "_join")) ==
          Frames{R"([1,1,1,1,{"reason":"invalid topic"}])"});
    answers(bob, frame(1, 2, "room:lobby ", "_leave"));
    CHECK(answers(ann, frame(1, 2, "room:lobby", "say", "1")) ==
          Frames{R"([2,"room:lobby","said",1])"});
}

TEST_CASE("pitfall 6: equal topics of two endpoints never meet") {
    auto admin_config = test::quiet();
    admin_config.endpoint = "/admin";
    chain::LoopbackHub hub;
    auto room = plain_room();
    auto open = test::handler_with({room});
    auto admin = test::handler_with({plain_room()}, admin_config);
    open.pubsub().attach(hub.adapter());
    admin.pubsub().attach(hub.adapter());
    chain::testing::Kit open_kit{open};
    chain::testing::Kit admin_kit{admin};
    auto guest = open_kit.connect();
    auto chief = admin_kit.connect();
    test::join(guest, "room:a");
    test::join(chief, "room:a");

    chief.send(frame(1, 2, "room:a", "say", "1"));
    admin.pubsub().broadcast("room:a", "secret");
    admin.pubsub().publish("room:a", "secret");
    admin_kit.run();
    open_kit.run();
    CHECK(chief.receive_all().size() == 2);
    CHECK(guest.receive_all().empty());
}

TEST_CASE("pitfall 7: what an out handler changes is seen by its own "
          "subscriber only") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket, const Json& params) { socket.set("name", params.at("name")); });
    room.on_out("said", [](Socket& socket, Json payload) -> std::optional<Json> {
        if (payload.contains("for")) payload["seen twice"] = true;
        payload["for"] = socket.get("name");
        return payload;
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    ann.send(frame(1, 1, "room:a", "_join", R"({"name":"ann"})"));
    bob.send(frame(1, 1, "room:a", "_join", R"({"name":"bob"})"));
    ann.receive_all();
    bob.receive_all();

    room.broadcast("room:a", "said", {{"text", "hi"}});
    kit.run();
    CHECK(ann.receive_all() == Frames{R"([0,1,0,"room:a","said",{"for":"ann","text":"hi"}])"});
    CHECK(bob.receive_all() == Frames{R"([0,1,0,"room:a","said",{"for":"bob","text":"hi"}])"});
}

TEST_CASE("pitfall 11: a hundred pushes at once all arrive") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("many", [](Socket& socket) {
        for (int i = 0; i < 100; ++i) CHECK_FALSE(socket.push("one", i));
        return Reply::ok();
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    Frames expected;
    for (int i = 0; i < 100; ++i)
        expected.push_back(R"([0,1,0,"room:a","one",)" + std::to_string(i) + "]");
    expected.push_back("[1,1,2,0,{}]");
    CHECK(answers(client, frame(1, 2, "room:a", "many")) == expected);
}

TEST_CASE("pitfall 12: broadcasts of several threads keep each thread's order, "
          "the same for all") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");
    const auto publish = [&](int base) {
        for (int i = 0; i < 1000; ++i) room.broadcast("room:a", "n", base + i);
    };
    std::thread first(publish, 0);
    std::thread second(publish, 10'000);
    publish(20'000);
    first.join();
    second.join();
    kit.run();

    const auto seen = ann.receive_all();
    CHECK(seen.size() == 3000);
    CHECK(seen == bob.receive_all());
    int next[] = {0, 10'000, 20'000};
    bool ordered = true;
    for (const auto& text : seen) {
        const auto number = Json::parse(text).at(3).get<int>();
        ordered &= next[number / 10'000]++ == number;
    }
    CHECK(ordered);
}

TEST_CASE("pitfall 13: a client's pushes to one topic are handled one at a "
          "time, in order") {
    int running = 0;
    Frames seen;
    test::Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("n", [&](Socket&, const Json& n) -> chain::net::awaitable<void> {
        CHECK(++running == 1);
        co_await gate.wait();
        seen.push_back(n.dump());
        --running;
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    for (int i = 0; i < 20; ++i) client.send(frame(1, i + 2, "room:a", "n", std::to_string(i)));
    gate.open();
    kit.run();

    Frames expected;
    for (int i = 0; i < 20; ++i) expected.push_back(std::to_string(i));
    CHECK(seen == expected);
}

TEST_CASE("pitfall 18: a heartbeat is answered at once, whatever handlers are "
          "running") {
    test::Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) -> chain::net::awaitable<void> { co_await gate.wait(); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    client.send(frame(1, 1, "room:a", "_join"));

    CHECK(answers(client, frame(0, 2, "_chain", "_heartbeat")) == Frames{"[1,0,2,0,null]"});
}

TEST_CASE("pitfall 19: a broadcast during the join comes after the reply, and "
          "is not lost") {
    auto room = plain_room();
    test::Gate gate;
    chain::Channel hall{"hall:*"};
    hall.on_join([&](Socket&) -> chain::net::awaitable<void> { co_await gate.wait(); });
    hall.on_out("seen", [](Socket&, Json payload) -> std::optional<Json> { return payload; });
    chain::testing::Kit kit{test::handler_with({room, hall})};
    auto client = kit.connect();
    client.send(frame(1, 1, "hall:a", "_join"));
    hall.broadcast("hall:a", "one", 1);
    hall.broadcast("hall:a", "two", 2);
    hall.broadcast("hall:a", "seen", 3);
    kit.run();
    CHECK(client.receive_all().empty());

    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{"[1,1,1,0,{}]", R"([2,"hall:a","one",1])",
                                         R"([2,"hall:a","two",2])",
                                         R"([0,1,0,"hall:a","seen",3])"});
}

TEST_CASE("pitfall 20: a join handler can push the first state") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket) { CHECK_FALSE(socket.push("state", {{"n", 1}})); });
    room.on_join("room:closed", [](Socket& socket) {
        socket.push("state");
        return Reply::error("closed");
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();

    CHECK(answers(client, frame(1, 1, "room:a", "_join")) ==
          Frames{"[1,1,1,0,{}]", R"([0,1,0,"room:a","state",{"n":1}])"});
    CHECK(answers(client, frame(2, 2, "room:closed", "_join")) ==
          Frames{R"([1,2,2,1,{"reason":"closed"}])"});
}

TEST_CASE("pitfall 21: a stale leave does not end a newer join") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    auto client = kit.connect();
    test::join(client, "room:a", 1);
    client.send(frame(2, 2, "room:a", "_join"));
    client.receive_all();

    CHECK(answers(client, frame(1, 3, "room:a", "_leave")).empty());
    CHECK(answers(client, frame(2, 4, "room:a", "echo", "4")) == Frames{"[1,2,4,0,4]"});
}

TEST_CASE("pitfall 21: a stale leave that comes while the newer join runs does "
          "not end it") {
    test::Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) -> chain::net::awaitable<void> { co_await gate.wait(); });
    room.on("echo", [](Socket&, const chain::Payload& p) { return Reply::ok(p); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    client.send(frame(2, 2, "room:a", "_join"));
    client.send(frame(1, 3, "room:a", "_leave"));

    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{"[1,2,2,0,{}]"});
    CHECK(answers(client, frame(2, 4, "room:a", "echo", "4")) == Frames{"[1,2,4,0,4]"});
}

TEST_CASE("pitfall 22: of several joins of one topic at once, one membership stays") {
    int joined = 0;
    int left = 0;
    test::Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) -> chain::net::awaitable<void> {
        co_await gate.wait();
        ++joined;
    });
    room.on_leave([&](Socket&, LeaveReason) { ++left; });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    for (int i = 1; i <= 3; ++i)
        REQUIRE_FALSE(client.session().dispatch(frame(i, i, "room:a", "_join")));
    gate.open();
    kit.run();
    CHECK(joined - left == 1);
    client.receive_all();

    kit.handler().pubsub().broadcast("room:a", "once");
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","once",null])"});
    CHECK(answers(client, frame(3, 9, "room:a", "_leave")) == Frames{"[1,3,9,0,{}]"});
    CHECK(joined == left);
    CHECK_FALSE(known(kit, "room:a"));
}

TEST_CASE("pitfall 23: events without a payload arrive, with null") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    room.broadcast("room:a", "plain");
    client.session().socket("room:a")->push("mine");
    kit.run();
    CHECK(client.receive_all() ==
          Frames{R"([2,"room:a","plain",null])", R"([0,1,0,"room:a","mine",null])"});
    CHECK(answers(client, R"([0,1,2,"room:a","say"])") == Frames{R"([2,"room:a","said",null])"});
}

TEST_CASE("pitfall 24: an error's text reaches the client, and an unknown "
          "event has its own answer") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("refuse", [](Socket&) { return Reply::error("because"); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    CHECK(answers(client, frame(1, 2, "room:a", "refuse")) ==
          Frames{R"([1,1,2,1,{"reason":"because"}])"});
    CHECK(answers(client, frame(1, 3, "room:a", "other")) ==
          Frames{R"([1,1,3,1,{"reason":"unknown event"}])"});
}

TEST_CASE("pitfall 25: a client cannot send replies or broadcasts, nor "
          "fractional references") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto watcher = kit.connect();
    test::join(watcher, "room:a");
    auto client = kit.connect();
    test::join(client, "room:a");

    const auto text =
        GENERATE(R"([2,"room:a","_join",{}])", R"([2,1,1,"room:a","_join",{}])", R"([1,1,1,0,{}])",
                 R"([0,1.5,1,"room:a","_join",{}])", R"([0,1,-2,"room:a","_join",{}])");
    CHECK(answers(client, text).empty());
    CHECK(client.close_code() == 1008);
    CHECK(watcher.receive_all().empty());
}

TEST_CASE("pitfall 26: an exact pattern wins, then the longest prefix, in any "
          "order of registration") {
    const bool reversed = GENERATE(false, true);
    std::vector<std::string> patterns{"p:*", "p:private:*", "p:private:lobby", "*"};
    if (reversed) std::ranges::reverse(patterns);
    chain::Handler handler{test::quiet()};
    for (const auto& pattern : patterns) {
        chain::Channel channel{pattern};
        channel.on_join([pattern](Socket&) { return Reply::ok(pattern); });
        handler.add(channel);
    }
    chain::Channel inner{"q:*"};
    for (const auto* pattern : {"q:*", "q:vip:*", "q:vip:one"}) {
        const std::string named(pattern);
        inner.on_join(named, [named](Socket&) { return Reply::ok(named); });
        inner.on_leave(named,
                       [named](Socket& socket, LeaveReason) { socket.broadcast("left", named); });
    }
    for (const auto* pattern : {"*", "get:*", "get:one"}) {
        const std::string named(pattern);
        inner.on(named, [named](Socket&) { return Reply::ok(named); });
    }
    handler.add(inner);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();

    CHECK(answers(client, frame(1, 1, "p:x", "_join")) == Frames{R"([1,1,1,0,"p:*"])"});
    CHECK(answers(client, frame(1, 1, "p:private:x", "_join")) ==
          Frames{R"([1,1,1,0,"p:private:*"])"});
    CHECK(answers(client, frame(1, 1, "p:private:", "_join")) ==
          Frames{R"([1,1,1,0,"p:private:*"])"});
    CHECK(answers(client, frame(1, 1, "p:private:lobby", "_join")) ==
          Frames{R"([1,1,1,0,"p:private:lobby"])"});
    CHECK(answers(client, frame(1, 1, "elsewhere", "_join")) == Frames{R"([1,1,1,0,"*"])"});
    CHECK(answers(client, frame(1, 1, "q:a", "_join")) == Frames{R"([1,1,1,0,"q:*"])"});
    CHECK(answers(client, frame(1, 1, "q:vip:a", "_join")) == Frames{R"([1,1,1,0,"q:vip:*"])"});
    CHECK(answers(client, frame(1, 1, "q:vip:one", "_join")) == Frames{R"([1,1,1,0,"q:vip:one"])"});
    CHECK(answers(client, frame(1, 2, "q:a", "get:one")) == Frames{R"([1,1,2,0,"get:one"])"});
    CHECK(answers(client, frame(1, 2, "q:a", "get:two")) == Frames{R"([1,1,2,0,"get:*"])"});
    CHECK(answers(client, frame(1, 2, "q:a", "put")) == Frames{R"([1,1,2,0,"*"])"});
}

TEST_CASE("pitfall 27: a pattern outside its channel throws where it is written") {
    chain::Channel room{"room:*"};
    const auto join = [](Socket&) {};
    const auto leave = [](Socket&, LeaveReason) {};
    for (const auto* pattern : {"hall:*", "roo:*", "*", "room", "room:a:**", ""})
        CHECK_THROWS_AS(room.on_join(pattern, join), std::invalid_argument);
    CHECK_THROWS_AS(room.on_leave("hall:a", leave), std::invalid_argument);
    CHECK_NOTHROW(room.on_join("room:vip:*", join));
    CHECK_NOTHROW(room.on_join("room:*", join));
    CHECK_THROWS_AS(room.on_join(join), std::invalid_argument);
    chain::Channel lobby{"lobby"};
    CHECK_THROWS_AS(lobby.on_join("lobby*", join), std::invalid_argument);
    CHECK_NOTHROW(lobby.on_join("lobby", join));
}

TEST_CASE("pitfall 27: one channel serves two handlers") {
    auto config = test::quiet();
    config.endpoint = "/second";
    auto room = plain_room();
    chain::testing::Kit first{test::handler_with({room})};
    chain::testing::Kit second{test::handler_with({room}, config)};
    auto ann = first.connect();
    auto bob = second.connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");

    CHECK(answers(ann, frame(1, 2, "room:a", "say", "1")) == Frames{R"([2,"room:a","said",1])"});
    second.run();
    CHECK(bob.receive_all().empty());

    CHECK_FALSE(room.broadcast("room:a", "both", 2));
    first.run();
    second.run();
    CHECK(ann.receive_all() == Frames{R"([2,"room:a","both",2])"});
    CHECK(bob.receive_all() == Frames{R"([2,"room:a","both",2])"});
}

TEST_CASE("pitfall 28: a closed session tells its client and its memberships") {
    Frames said;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on_leave([&](Socket& socket, LeaveReason why) {
        CHECK(why == LeaveReason::close);
        said.push_back(socket.topic());
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a", 1);
    test::join(client, "room:b", 2);
    const auto id = client.session().id();

    client.session().close(1001, "bye");
    kit.run();
    CHECK(client.close_code() == 1001);
    CHECK(said.size() == 2);
    CHECK(client.session().closed());
    CHECK_FALSE(kit.handler().session(id));
    CHECK(kit.handler().sessions() == 0);
}

TEST_CASE("pitfall 29: leaving the last topic does not end a session whose "
          "connection is open") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    auto client = kit.connect();
    test::join(client, "room:a");
    answers(client, frame(1, 2, "room:a", "_leave"));

    kit.advance(10min);
    CHECK_FALSE(client.session().closed());
    CHECK_FALSE(client.close_code());
    test::join(client, "room:b", 3);
}

TEST_CASE("pitfall 31: the connect handler sees headers, cookies, query, peer "
          "and TLS") {
    chain::Handler handler = test::handler_with({plain_room()});
    bool called = false;
    handler.on_connect([&](chain::Session& session, const chain::Request& request) {
        called = true;
        CHECK(request.header("AUTHORIZATION") == "Bearer t");
        CHECK(request.cookie("user") == "ann");
        CHECK(request.param("v") == "1");
        CHECK(request.peer_address == "::1");
        CHECK(request.tls);
        CHECK(request.path() == "/socket/websocket");
        session.set("user", std::string(*request.cookie("user")));
    });
    chain::testing::Kit kit{handler};
    chain::Request request;
    request.target = "/socket/websocket?v=1";
    request.query = {{"v", "1"}};
    request.headers = {{"Authorization", "Bearer t"}, {"Cookie", "a=b; user=ann"}};
    request.peer_address = "::1";
    request.tls = true;
    auto client = kit.connect(request);

    CHECK(called);
    CHECK(client.session().get("user") == "ann");
    CHECK(client.session().params() == Json{{"v", "1"}});
}

TEST_CASE("pitfall 36: timers of ended sessions and memberships are gone") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    for (int i = 0; i < 200; ++i) {
        auto client = kit.connect();
        test::join(client, "room:a");
        client.lose_connection();
        if (i % 2 == 0) CHECK(client.reconnect());
        client.session().close();
    }
    kit.run();
    CHECK(kit.handler().sessions() == 0);
    CHECK_FALSE(known(kit, "room:a"));
    kit.advance(1min);
    CHECK(kit.handler().sessions() == 0);
}

TEST_CASE("pitfall 37: a topic that everybody has left leaves nothing behind") {
    auto room = plain_room();
    room.on_leave([](Socket& socket, LeaveReason) { socket.broadcast("left"); });
    room.on("crash", [](Socket& socket) {
        socket.broadcast("crashing");
        throw std::runtime_error("crash");
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    const auto& session = client.session();

    SECTION("after leaves, one turn each") {
        for (int i = 1; i <= 200; ++i) {
            const auto topic = "room:" + std::to_string(i);
            test::join(client, topic, i);
            CHECK(known(kit, topic));
            client.send(frame(i, 1000, topic, "_leave"));
            CHECK_FALSE(known(kit, topic));
            client.receive_all();
        }
    }
    SECTION("after a broadcast and a leave in one turn") {
        test::join(client, "room:a");
        REQUIRE_FALSE(chain::Session(session).dispatch(frame(1, 2, "room:a", "say", "1")));
        REQUIRE_FALSE(chain::Session(session).dispatch(frame(1, 3, "room:a", "_leave")));
        kit.run();
        CHECK(client.receive_all() == Frames{R"([2,"room:a","said",1])", "[1,1,3,0,{}]"});
    }
    SECTION("after a handler that broadcasts and throws") {
        test::join(client, "room:a");
        client.send(frame(1, 2, "room:a", "crash"));
        CHECK(client.receive_all() == Frames{R"([2,"room:a","crashing",null])",
                                             R"([1,1,2,1,{"reason":"internal error"}])",
                                             R"([0,1,0,"room:a","_error",{}])"});
    }
    SECTION("after a broadcast and the end of the session in one turn") {
        test::join(client, "room:a");
        REQUIRE_FALSE(chain::Session(session).dispatch(frame(1, 2, "room:a", "say", "1")));
        client.session().close();
        kit.run();
        CHECK(client.receive_all() == Frames{R"([2,"room:a","said",1])"});
    }
    SECTION("after refused joins") { client.send(frame(1, 1, "hall:a", "_join")); }
    CHECK_FALSE(known(kit, "room:a"));
    CHECK_FALSE(known(kit, "hall:a"));
}

TEST_CASE("pitfall 40: each limit does something") {
    auto config = test::quiet();
    config.limits.sessions = 1;
    config.limits.topics_per_session = 1;
    config.limits.json_depth = 2;
    config.limits.waiting_frames = 1;
    test::Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("slow", [&](Socket&) -> chain::net::awaitable<void> { co_await gate.wait(); });
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    const auto refused = kit.connect();
    REQUIRE(refused.refusal());
    CHECK(refused.refusal()->status == 503);
    CHECK(refused.refusal()->reason == "too many sessions");

    test::join(client, "room:a");
    CHECK(answers(client, frame(2, 2, "room:b", "_join")) ==
          Frames{R"([1,2,2,1,{"reason":"too many topics"}])"});
    CHECK(answers(client, frame(1, 3, "room:a", "slow", "[[]]")).empty());
    CHECK(answers(client, frame(1, 4, "room:a", "slow")).empty());
    CHECK(answers(client, frame(1, 5, "room:a", "slow")) ==
          Frames{R"([1,1,5,1,{"reason":"busy"}])"});
    CHECK(client.session().dispatch(frame(1, 6, "room:a", "slow", "[[[]]]")) ==
          Errc::malformed_frame);
    gate.open();
    kit.run();
    client.disconnect();
    CHECK_FALSE(kit.connect().refusal());
}

TEST_CASE("pitfall 41: a handler may end while other threads send through it") {
    for (int round = 0; round < 20; ++round) {
        auto room = plain_room();
        std::vector<Socket> sockets;
        room.on("keep", [&](Socket& socket) { sockets.push_back(socket); });
        auto kit = std::make_unique<chain::testing::Kit>(test::handler_with({room}));
        auto client = std::make_unique<chain::testing::Client>(kit->connect());
        test::join(*client, "room:a");
        client->send(frame(1, 2, "room:a", "keep"));
        auto pubsub = kit->handler().pubsub();
        std::atomic<bool> stop{false};
        std::atomic<int> sent{0};
        std::thread sender([&] {
            while (!stop) {
                pubsub.broadcast("room:a", "n", 1);
                sockets.front().push("n", 2);
                sockets.front().broadcast("n", 3);
                sockets.front().session().close();
                ++sent;
            }
        });
        while (sent < 20) std::this_thread::yield();
        client.reset();
        kit.reset();
        const int before = sent;
        while (sent < before + 20) std::this_thread::yield();
        stop = true;
        sender.join();
        CHECK(sockets.front().push("n") != chain::error_code());
    }
}
