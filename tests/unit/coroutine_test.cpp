// Handlers that are coroutines, and replies that are given later.
#include "../support/core.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <stdexcept>
#include <thread>

namespace net = boost::asio;
using chain::Errc, chain::Json, chain::LeaveReason, chain::Reply, chain::ReplyToken, chain::Socket;
using test::frame, test::Frames, test::Gate;
using namespace std::chrono_literals;

namespace {

/// A room whose event "slow" waits at a gate.
struct SlowRoom {
    explicit SlowRoom(chain::HandlerConfig config = test::quiet()) {
        chain::Channel room{"room:*"};
        room.on_join([](Socket&) {});
        room.on("slow", [this](Socket&, const chain::Payload& payload) -> net::awaitable<Reply> {
            ++running;
            co_await gate.wait();
            --running;
            co_return Reply::ok(payload);
        });
        room.on("echo", [](Socket&, const chain::Payload& payload) { return Reply::ok(payload); });
        room.on_leave([this](Socket&, LeaveReason why) {
            said.push_back("leave " + std::to_string(static_cast<int>(why)));
        });
        kit = std::make_unique<chain::testing::Kit>(test::handler_with({room}, std::move(config)));
        client = std::make_unique<chain::testing::Client>(kit->connect());
        test::join(*client, "room:a");
    }

    Frames answers(std::string_view text) {
        client->send(text);
        return client->receive_all();
    }
    Frames open_gate() {
        gate.open();
        kit->run();
        return client->receive_all();
    }

    Gate gate;
    int running = 0;
    Frames said;
    std::unique_ptr<chain::testing::Kit> kit;
    std::unique_ptr<chain::testing::Client> client;
};

} // namespace

TEST_CASE("coroutine handlers may give a Reply, a Json, or nothing") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json& params) -> net::awaitable<Json> { co_return params; });
    room.on("reply", [](Socket&) -> net::awaitable<Reply> { co_return Reply::error("no"); });
    room.on("json", [](Socket&, const Json& p) -> net::awaitable<Json> { co_return p; });
    room.on("nothing", [](Socket& socket) -> net::awaitable<void> {
        socket.push("done");
        co_return;
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();

    client.send(frame(1, 1, "room:a", "_join", "[1]"));
    client.send(frame(1, 2, "room:a", "reply"));
    client.send(frame(1, 3, "room:a", "json", "3"));
    client.send(frame(1, 4, "room:a", "nothing"));
    CHECK(client.receive_all() == Frames{"[1,1,1,0,[1]]", R"([1,1,2,1,{"reason":"no"}])",
                                         "[1,1,3,0,3]", R"([0,1,0,"room:a","done",null])"});
}

TEST_CASE("later messages of a topic wait for its coroutine, in order; other "
          "topics go on") {
    SlowRoom room;
    test::join(*room.client, "room:b", 2);

    CHECK(room.answers(frame(1, 3, "room:a", "slow", "3")).empty());
    CHECK(room.answers(frame(1, 4, "room:a", "echo", "4")).empty());
    CHECK(room.answers(frame(1, 5, "room:a", "unknown")).empty());
    CHECK(room.answers(frame(1, 6, "room:a", "slow", "6")).empty());
    CHECK(room.answers(frame(1, 7, "room:a", "echo", "7")).empty());
    CHECK(room.running == 1);
    CHECK(room.answers(frame(2, 8, "room:b", "echo", "8")) == Frames{"[1,2,8,0,8]"});
    CHECK(room.answers(R"([0,0,9,"_chain","_heartbeat",null])") == Frames{"[1,0,9,0,null]"});

    CHECK(room.open_gate() == Frames{"[1,1,3,0,3]", "[1,1,4,0,4]",
                                     R"([1,1,5,1,{"reason":"unknown event"}])", "[1,1,6,0,6]",
                                     "[1,1,7,0,7]"});
    CHECK(room.answers(frame(1, 10, "room:a", "echo", "10")) == Frames{"[1,1,10,0,10]"});
}

TEST_CASE("past 64 waiting frames a message is answered busy") {
    const auto observer = std::make_shared<test::RecordingObserver>();
    SlowRoom room{{.observer = observer}};
    room.answers(frame(1, 2, "room:a", "slow"));
    for (int i = 0; i < 64; ++i)
        CHECK(room.answers(frame(1, 100 + i, "room:a", "echo", "0")).empty());

    CHECK(room.answers(frame(1, 3, "room:a", "echo")) == Frames{R"([1,1,3,1,{"reason":"busy"}])"});
    CHECK(room.answers(frame(1, 4, "room:a", "_leave")) ==
          Frames{R"([1,1,4,1,{"reason":"busy"}])"});
    CHECK(observer->count("over waiting_frames") == 2);
    CHECK(room.open_gate().size() == 65);
    CHECK(room.answers(frame(1, 5, "room:a", "echo", "5")) == Frames{"[1,1,5,0,5]"});
}

TEST_CASE("past 64 KiB of waiting frames a message is answered busy") {
    const auto observer = std::make_shared<test::RecordingObserver>();
    SlowRoom room{{.observer = observer}};
    room.answers(frame(1, 2, "room:a", "slow"));
    const auto large = '"' + std::string(22'000, 'x') + '"';
    for (int i = 0; i < 2; ++i) CHECK(room.answers(frame(1, 3, "room:a", "echo", large)).empty());

    CHECK(room.answers(frame(1, 4, "room:a", "echo", large)) ==
          Frames{R"([1,1,4,1,{"reason":"busy"}])"});
    CHECK(observer->count("over waiting_bytes") == 1);
    CHECK(room.answers(frame(1, 5, "room:a", "echo", "5")).empty());
    CHECK(room.open_gate().back() == "[1,1,5,0,5]");
    CHECK(room.answers(frame(1, 6, "room:a", "echo", large)).size() == 1);
}

TEST_CASE("a slow join makes later messages of its topic wait") {
    Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket& socket) -> net::awaitable<Reply> {
        socket.push("first");
        co_await gate.wait();
        socket.push("last");
        co_return Reply::ok();
    });
    room.on("echo", [](Socket&, const chain::Payload& payload) { return Reply::ok(payload); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    client.send(frame(1, 1, "room:a", "_join"));
    client.send(frame(1, 2, "room:a", "echo", "2"));
    CHECK_FALSE(kit.handler().pubsub().broadcast("room:a", "meanwhile"));
    kit.run();
    CHECK(client.receive_all().empty());

    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{"[1,1,1,0,{}]", R"([0,1,0,"room:a","first",null])",
                                         R"([2,"room:a","meanwhile",null])",
                                         R"([0,1,0,"room:a","last",null])", "[1,1,2,0,2]"});
}

TEST_CASE("what waits behind a join that is refused is answered as for a topic "
          "not joined") {
    Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) -> net::awaitable<Reply> {
        co_await gate.wait();
        co_return Reply::error("no");
    });
    room.on("echo", [](Socket&) { return Reply::ok(); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    client.send(frame(1, 1, "room:a", "_join"));
    client.send(frame(1, 2, "room:a", "echo"));
    client.send(frame(1, 3, "room:a", "_leave"));

    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{R"([1,1,1,1,{"reason":"no"}])",
                                         R"([1,1,2,1,{"reason":"unmatched topic"}])",
                                         "[1,1,3,0,{}]"});
}

TEST_CASE("a leave waits for the coroutine that runs") {
    SlowRoom room;
    room.answers(frame(1, 2, "room:a", "slow", "2"));

    CHECK(room.answers(frame(1, 3, "room:a", "_leave")).empty());
    CHECK(room.said.empty());
    CHECK(room.running == 1);
    CHECK(room.open_gate() == Frames{"[1,1,2,0,2]", "[1,1,3,0,{}]"});
    CHECK(room.said == Frames{"leave 0"});
}

TEST_CASE("a rejoin cancels the coroutine that runs, and waits for it") {
    SlowRoom room;
    room.answers(frame(1, 2, "room:a", "slow", "2"));
    room.answers(frame(1, 3, "room:a", "echo", "3"));

    CHECK(room.answers(frame(4, 4, "room:a", "_join")) ==
          Frames{R"([1,1,2,1,{"reason":"internal error"}])", R"([0,1,0,"room:a","_close",{}])",
                 "[1,4,4,0,{}]"});
    CHECK(room.said == Frames{"leave 1"});
    CHECK(room.answers(frame(4, 5, "room:a", "echo", "5")) == Frames{"[1,4,5,0,5]"});
}

TEST_CASE("a rejoin waits for a coroutine that completes in spite of its "
          "cancellation") {
    bool let_go = false;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("stubborn", [&](Socket&) -> net::awaitable<Reply> {
        co_await net::this_coro::reset_cancellation_state(net::disable_cancellation());
        while (!let_go) co_await net::post(net::use_awaitable);
        co_return Reply::ok("done");
    });
    room.on("echo", [](Socket&, const chain::Payload& payload) { return Reply::ok(payload); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    const auto turn = [&] {
        kit.context().restart();
        for (int i = 0; i < 20; ++i) kit.context().poll_one();
    };

    REQUIRE_FALSE(client.session().dispatch(frame(1, 2, "room:a", "stubborn")));
    REQUIRE_FALSE(client.session().dispatch(frame(3, 3, "room:a", "_join")));
    REQUIRE_FALSE(client.session().dispatch(frame(3, 4, "room:a", "echo", "4")));
    turn();
    CHECK(client.receive_all().empty());

    let_go = true;
    kit.run();
    CHECK(client.receive_all() == Frames{R"([1,1,2,0,"done"])", R"([0,1,0,"room:a","_close",{}])",
                                         "[1,3,3,0,{}]", "[1,3,4,0,4]"});
}

TEST_CASE("a rejoin during a slow join cancels that join") {
    Gate gate;
    int joins = 0;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) -> net::awaitable<Reply> {
        if (++joins == 1) co_await gate.wait();
        co_return Reply::ok();
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    client.send(frame(1, 1, "room:a", "_join"));
    client.send(frame(2, 2, "room:a", "_join"));

    CHECK(client.receive_all() == Frames{R"([1,1,1,1,{"reason":"join crashed"}])", "[1,2,2,0,{}]"});
    CHECK(joins == 2);
}

TEST_CASE("the leave handler of a closed session runs after its cancelled "
          "coroutine") {
    SlowRoom room;
    room.answers(frame(1, 2, "room:a", "slow"));

    room.client->session().close();
    CHECK(room.said.empty());
    CHECK(room.client->session().closed());
    room.kit->run();
    CHECK(room.said == Frames{"leave 2"});
    CHECK(room.client->close_code() == 1000);
    CHECK(room.gate.waiting() == 0);
}

TEST_CASE("a coroutine that does not end when cancelled is given up after ten "
          "seconds") {
    bool let_go = false;
    bool slow_leave = GENERATE(false, true);
    Frames said;
    Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("deaf", [&](Socket& socket, const Json& payload) -> net::awaitable<Reply> {
        co_await net::this_coro::reset_cancellation_state(net::disable_cancellation());
        co_await gate.wait();
        while (!let_go) co_await net::post(net::use_awaitable);
        said.push_back("event ended " + socket.topic() + payload.dump());
        co_return Reply::ok();
    });
    if (slow_leave) {
        room.on_leave([&](Socket&, LeaveReason) -> net::awaitable<void> {
            co_await net::post(net::use_awaitable);
            said.push_back("left");
        });
    } else {
        room.on_leave([&](Socket&, LeaveReason) { said.push_back("left"); });
    }
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.send(frame(1, 2, "room:a", "deaf", "7"));
    client.send(frame(3, 3, "room:a", "_join"));
    CHECK(client.receive_all().empty());

    kit.advance(9'900ms);
    CHECK(said.empty());
    kit.advance(200ms);
    CHECK(said == Frames{"left"});
    CHECK(client.receive_all() == Frames{R"([1,1,2,1,{"reason":"internal error"}])",
                                         R"([0,1,0,"room:a","_close",{}])", "[1,3,3,0,{}]"});

    let_go = true;
    gate.open();
    kit.run();
    CHECK(said == Frames{"left", "event ended room:a7"});
    CHECK(client.receive_all().empty());
}

TEST_CASE("captures and arguments of a coroutine live until it completes") {
    struct Canary {
        explicit Canary(bool& flag) : gone(flag) {}
        ~Canary() { gone = true; }
        bool& gone;
    };
    Gate gate;
    bool gone = false;
    std::string seen;
    auto kit = [&] {
        chain::Channel room{"room:*"};
        room.on_join([](Socket&) {});
        room.on("slow*",
                [canary = std::make_unique<Canary>(gone), text = std::string(100, 'c'), &gate,
                 &seen](Socket& socket, const chain::Payload& payload,
                        std::string_view event) -> net::awaitable<Reply> {
                    co_await gate.wait();
                    seen = text + std::string(payload.raw()) + std::string(event) + socket.topic() +
                           (canary->gone ? "gone" : "here");
                    co_return Reply::ok();
                });
        return std::make_unique<chain::testing::Kit>(test::handler_with({room}));
    }();
    auto client = std::make_unique<chain::testing::Client>(kit->connect());
    test::join(*client, "room:a");
    {
        const auto text = frame(1, 2, "room:a", "slower", '"' + std::string(50, 'p') + '"');
        client->send(text);
    }
    client->send(frame(1, 3, "room:a", "other", '"' + std::string(90, 'q') + '"'));
    client->session().close();

    gate.open();
    kit->run();
    CHECK(seen == std::string(100, 'c') + '"' + std::string(50, 'p') + "\"slowerroom:ahere");
    CHECK_FALSE(gone);
}

TEST_CASE("a coroutine that runs when the io_context goes is dropped without "
          "running handlers") {
    Gate gate;
    bool left = false;
    {
        chain::Channel room{"room:*"};
        room.on_join([](Socket&) {});
        room.on("slow", [&](Socket& socket) -> net::awaitable<void> {
            const auto token = socket.reply_token();
            co_await gate.wait();
        });
        room.on_leave([&](Socket&, LeaveReason) { left = true; });
        chain::testing::Kit kit{test::handler_with({room})};
        auto client = kit.connect();
        test::join(client, "room:a");
        client.send(frame(1, 2, "room:a", "slow"));
        client.send(frame(1, 3, "room:a", "slow"));
        CHECK(gate.waiting() == 1);
    }
    CHECK(gate.waiting() == 0);
    CHECK_FALSE(left);
}

TEST_CASE("a coroutine that throws ends its membership") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("slow", [&](Socket&) -> net::awaitable<void> {
        co_await gate.wait();
        throw std::runtime_error("no");
    });
    room.on("slow bad", [&](Socket&) -> net::awaitable<void> {
        co_await gate.wait();
        static_cast<void>(Json(1).at("x"));
    });
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    test::join(client, "room:a");

    client.send(frame(1, 2, "room:a", "slow bad"));
    client.send(frame(1, 3, "room:a", "slow"));
    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{R"([1,1,2,1,{"reason":"bad payload"}])",
                                         R"([1,1,3,1,{"reason":"internal error"}])",
                                         R"([0,1,0,"room:a","_error",{}])"});
    CHECK(observer->count("threw room:* in no") == 1);
}

TEST_CASE("a slow leave handler delays the answer and the next join") {
    Gate gate;
    Frames said;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) { said.push_back("join"); });
    room.on_leave([&](Socket& socket, LeaveReason) -> net::awaitable<void> {
        said.push_back("leaving");
        co_await gate.wait();
        socket.broadcast("left");
        said.push_back("left");
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    auto other = kit.connect();
    test::join(client, "room:a");
    test::join(other, "room:a");
    client.send(frame(1, 2, "room:a", "_leave"));
    client.send(frame(3, 3, "room:a", "_join"));
    CHECK(client.receive_all().empty());

    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{"[1,1,2,0,{}]", "[1,3,3,0,{}]"});
    CHECK(other.receive_all() == Frames{R"([2,"room:a","left",null])"});
    CHECK(said == Frames{"join", "join", "leaving", "left", "join"});
}

TEST_CASE("broadcasts go on while a coroutine runs, but its out handler waits") {
    Gate gate;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("slow", [&](Socket&) -> net::awaitable<void> { co_await gate.wait(); });
    room.on_out("changed", [](Socket&, Json payload) -> std::optional<Json> { return payload; });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.send(frame(1, 2, "room:a", "slow"));

    kit.handler().pubsub().broadcast("room:a", "plain", 1);
    kit.handler().pubsub().broadcast("room:a", "changed", 2);
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","plain",1])"});
    gate.open();
    kit.run();
    CHECK(client.receive_all() == Frames{R"([0,1,0,"room:a","changed",2])"});
}

TEST_CASE("broadcasts that wait for a join or an out handler are bounded in number, too") {
    Gate gate;
    auto config = test::quiet();
    config.limits.unsent_frames_per_session = 10;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) -> net::awaitable<void> { co_await gate.wait(); });
    room.on("slow", [&](Socket&) -> net::awaitable<void> { co_await gate.wait(); });
    room.on_out("changed", [](Socket&, Json payload) -> std::optional<Json> { return payload; });
    chain::testing::Kit kit{test::handler_with({room}, std::move(config))};
    auto client = kit.connect();
    const bool joining = GENERATE(true, false);
    client.send(frame(1, 1, "room:a", "_join"));
    if (!joining) {
        gate.open();
        kit.run();
        REQUIRE(client.receive() == "[1,1,1,0,{}]");
        gate.close();
        client.send(frame(1, 2, "room:a", "slow"));
    }
    // None of them has a byte of payload.
    const auto nothing = chain::Payload::from_bytes({});
    const auto tell = [&](int count) {
        for (; count > 0; --count)
            kit.handler().pubsub().broadcast("room:a", joining ? "plain" : "changed", nothing);
        kit.run();
    };
    tell(10);
    CHECK_FALSE(client.session().closed());
    tell(1);
    CHECK(client.session().closed());
}

// -------------------------------------------------------------------------------
// deferred replies

namespace {

struct Deferred {
    Deferred() {
        chain::Channel room{"room:*"};
        room.on_join([](Socket& socket) {
            return Reply::ok(socket.reply_token().reply(Reply::ok()) == Errc::no_request);
        });
        room.on("later", [this](Socket& socket) { tokens.push_back(socket.reply_token()); });
        room.on("now", [this](Socket& socket) {
            tokens.push_back(socket.reply_token());
            return Reply::ok("now");
        });
        room.on("both", [this](Socket& socket) {
            tokens.push_back(socket.reply_token());
            first = tokens.back().reply(Reply::ok("token"));
            return Reply::ok("returned");
        });
        room.on("reply and throw", [](Socket& socket) {
            socket.reply_token().reply(Reply::ok("token"));
            throw std::runtime_error("after the reply");
        });
        kit = std::make_unique<chain::testing::Kit>(test::handler_with({room}));
        client = std::make_unique<chain::testing::Client>(kit->connect());
        client->send(frame(1, 1, "room:a", "_join"));
        REQUIRE(client->receive_all() == Frames{"[1,1,1,0,true]"});
    }

    Frames answers(std::string_view text) {
        client->send(text);
        return client->receive_all();
    }

    std::vector<ReplyToken> tokens;
    chain::error_code first;
    std::unique_ptr<chain::testing::Kit> kit;
    std::unique_ptr<chain::testing::Client> client;
};

} // namespace

TEST_CASE("a token answers its request later, once") {
    Deferred room;
    CHECK(room.answers(frame(1, 2, "room:a", "later")).empty());
    CHECK(room.answers(frame(1, 3, "room:a", "later")).empty());

    CHECK_FALSE(room.tokens[1].reply(Reply::ok(3)));
    CHECK_FALSE(room.tokens[0].reply(Reply::error("late")));
    CHECK(room.tokens[0].reply(Reply::ok()) == Errc::already_replied);
    room.kit->run();
    CHECK(room.client->receive_all() == Frames{"[1,1,3,0,3]", R"([1,1,2,1,{"reason":"late"}])"});
}

TEST_CASE("a token answers from another thread") {
    Deferred room;
    room.answers(frame(1, 2, "room:a", "later"));

    chain::error_code failed;
    std::thread([&] {
        failed = room.tokens[0].reply(Reply::ok({{"a", 1}}));
        room.tokens[0].reply(Reply::ok());
    }).join();
    CHECK_FALSE(failed);
    CHECK(room.client->receive_all().empty());
    room.kit->run();
    CHECK(room.client->receive_all() == Frames{R"([1,1,2,0,{"a":1}])"});
}

TEST_CASE("a token that is dropped leaves the request without an answer") {
    Deferred room;
    room.answers(frame(1, 2, "room:a", "later"));

    room.tokens.clear();
    room.kit->run();
    CHECK(room.answers(frame(1, 3, "room:a", "now")) == Frames{R"([1,1,3,0,"now"])"});
}

TEST_CASE("a token is useless once the membership has ended") {
    Deferred room;
    room.answers(frame(1, 2, "room:a", "later"));
    room.answers(frame(1, 3, "room:a", "later"));
    room.answers(frame(1, 4, "room:a", "later"));
    room.answers(frame(5, 5, "room:a", "_join"));

    CHECK(room.tokens[0].reply(Reply::ok()) == Errc::not_joined);
    chain::error_code elsewhere;
    std::thread([&] { elsewhere = room.tokens[1].reply(Reply::ok()); }).join();
    CHECK(elsewhere == Errc::not_joined);
    room.client->session().close();
    CHECK(room.tokens[2].reply(Reply::ok()) == Errc::closed);
    room.kit->run();
    CHECK(room.client->receive_all().empty());
}

TEST_CASE("a returned answer uses the token up, and a token's answer comes "
          "before a returned one") {
    Deferred room;
    CHECK(room.answers(frame(1, 2, "room:a", "now")) == Frames{R"([1,1,2,0,"now"])"});
    CHECK(room.tokens[0].reply(Reply::ok()) == Errc::already_replied);

    CHECK(room.answers(frame(1, 3, "room:a", "both")) == Frames{R"([1,1,3,0,"token"])"});
    CHECK_FALSE(room.first);
}

TEST_CASE("a handler that throws after its token's answer ends the membership "
          "without a second answer") {
    Deferred room;
    CHECK(room.answers(frame(1, 2, "room:a", "reply and throw")) ==
          Frames{R"([1,1,2,0,"token"])", R"([0,1,0,"room:a","_error",{}])"});
}

TEST_CASE("an empty token says so, and a wrong payload does not use a token up") {
    Deferred room;
    CHECK(ReplyToken().reply(Reply::ok()) == Errc::no_request);
    room.answers(frame(1, 2, "room:a", "later"));

    CHECK(room.tokens[0].reply(Reply::ok("\xFF")) == Errc::invalid_payload);
    CHECK_FALSE(room.tokens[0].reply(Reply::ok(1)));
    room.kit->run();
    CHECK(room.client->receive_all() == Frames{"[1,1,2,0,1]"});
}

TEST_CASE("a leave handler that never completes holds up the reply and the session's end for ten "
          "seconds only") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) { return Reply::ok(); });
    room.on_leave([](Socket&, chain::LeaveReason) -> net::awaitable<void> {
        net::steady_timer never(co_await net::this_coro::executor,
                                net::steady_timer::time_point::max());
        co_await never.async_wait(net::use_awaitable);
    });
    chain::Handler handler;
    handler.add(room);
    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    client.send(frame(1, 1, "room:a", "_join"));
    client.receive_all();

    client.send(frame(1, 2, "room:a", "_leave"));
    CHECK(client.receive_all().empty());
    kit.advance(std::chrono::seconds(11));

    CHECK(client.receive_all() == Frames{R"([1,1,2,0,{}])"});
    client.send(frame(2, 3, "room:a", "_join"));
    CHECK(client.receive_all() == Frames{R"([1,2,3,0,{}])"});
    client.disconnect();
    CHECK(kit.handler().sessions() == 1);
    kit.advance(std::chrono::seconds(11));
    CHECK(kit.handler().sessions() == 0);
}
