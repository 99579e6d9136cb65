// Sessions: connecting, coming back, slow readers, ending, other threads, and
// what the observer is told.
#include "../support/core.hpp"

#include <chain/connection.hpp>

#include <boost/asio/post.hpp>

#include <stdexcept>
#include <thread>

namespace net = boost::asio;
using chain::Errc, chain::Json, chain::LeaveReason, chain::Refusal, chain::Reply, chain::Request,
    chain::Session, chain::Socket;
using test::frame, test::Frames, test::plain_room;
using namespace std::chrono_literals;

namespace {

/// A carrier that writes down what it is given.
class Carrier final : public chain::Connection {
  public:
    explicit Carrier(chain::Framing framing = chain::Framing::lines) : framing_(framing) {}
    chain::Framing framing() const noexcept override { return framing_; }
    std::size_t write(std::string_view bytes) noexcept override {
        received += bytes;
        return bytes.size();
    }
    void close(std::uint16_t with, std::string_view why, std::string unsent) noexcept override {
        code = with;
        reason = why;
        received += unsent;
    }

    std::string received, reason;
    std::uint16_t code = 0;

  private:
    chain::Framing framing_;
};

/// Has a RecordingObserver.
struct Observed {
    Observed() { config.observer = observer; }
    std::shared_ptr<test::RecordingObserver> observer = std::make_shared<test::RecordingObserver>();
    chain::HandlerConfig config;
};

} // namespace

// -------------------------------------------------------------------------------------
// connecting

TEST_CASE("a connect handler lets in, refuses with a reason, or refuses with a "
          "status") {
    Observed seen;
    auto handler = test::handler_with({plain_room()}, seen.config);
    handler.on_connect([](Session& session, const Request& request) -> std::optional<Refusal> {
        if (request.param("token") == "good") {
            session.state<std::string>() = "ann";
            return std::nullopt;
        }
        if (!request.param("token")) return Refusal{.status = 401, .reason = "no token"};
        return Refusal{.reason = "bad token"};
    });
    chain::testing::Kit kit{handler};
    const auto connect = [&](Request::Fields query) {
        Request request;
        request.query = std::move(query);
        return kit.connect(request);
    };

    const auto nobody = connect({});
    REQUIRE(nobody.refusal());
    CHECK(nobody.refusal()->status == 401);
    CHECK(nobody.refusal()->reason == "no token");
    CHECK_THROWS_AS(nobody.session(), std::logic_error);
    const auto wrong = connect({{"token", "bad"}});
    REQUIRE(wrong.refusal());
    CHECK(wrong.refusal()->status == 403);
    const auto good = connect({{"token", "good"}});
    CHECK_FALSE(good.refusal());
    CHECK(good.session().state<std::string>() == "ann");
    CHECK(handler.sessions() == 1);
    CHECK(seen.observer->count("opened") == 1);
    CHECK(seen.observer->count("closed") == 0);
}

TEST_CASE("a connect handler may be a coroutine") {
    test::Gate gate;
    auto handler = test::handler_with({plain_room()});
    handler.on_connect(
        [&](Session& session, const Request& request) -> net::awaitable<std::optional<Refusal>> {
            co_await gate.wait();
            session.set("token", std::string(*request.param("token")));
            if (request.param("token") == "bad") co_return Refusal{.reason = "bad token"};
            co_return std::nullopt;
        });
    chain::testing::Kit kit{handler};
    Request request;
    request.query = {{"token", "bad"}};
    const auto bad = kit.connect(request);
    request.query = {{"token", "good"}};
    auto good = kit.connect(request);
    CHECK_THROWS_AS(good.session(), std::logic_error);

    gate.open();
    kit.run();
    REQUIRE(bad.refusal());
    CHECK(bad.refusal()->reason == "bad token");
    CHECK(good.session().get("token") == "good");
    test::join(good, "room:a");
}

TEST_CASE("clients on whom a coroutine decides meanwhile are no more than the limit of sessions") {
    test::Gate gate;
    auto config = test::quiet();
    config.limits.sessions = 2;
    auto handler = test::handler_with({plain_room()}, config);
    handler.on_connect(
        [&](Session&, const Request&) -> net::awaitable<void> { co_await gate.wait(); });
    chain::testing::Kit kit{handler};
    std::vector<chain::testing::Client> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(kit.connect());
    gate.open();
    kit.run();
    CHECK(handler.sessions() == 2);
    for (const auto i : {2U, 3U}) {
        REQUIRE(clients[i].refusal());
        CHECK(clients[i].refusal()->status == 503);
        CHECK(clients[i].refusal()->reason == "too many sessions");
    }
}

TEST_CASE("a client on whom a coroutine decides when a drain begins is put off, not refused") {
    test::Gate gate;
    auto handler = test::handler_with({plain_room()});
    handler.on_connect(
        [&](Session&, const Request&) -> net::awaitable<void> { co_await gate.wait(); });
    chain::testing::Kit kit{handler};
    const auto client = kit.connect();
    const bool ended = GENERATE(false, true);
    handler.drain(30s, [] {});
    kit.advance(ended ? 20s : 100ms);
    gate.open();
    kit.run();
    REQUIRE(client.refusal());
    CHECK(client.refusal()->status == 503);
    CHECK(client.refusal()->reason == "draining");
    CHECK(handler.sessions() == 0);
}

TEST_CASE("what a connect handler throws is answered 500") {
    Observed seen;
    auto handler = test::handler_with({plain_room()}, seen.config);
    const int kind = GENERATE(0, 1, 2);
    if (kind == 0)
        handler.on_connect([](Session&, const Request&) { throw std::runtime_error("secret"); });
    if (kind == 1) handler.on_connect([](Session&, const Request&) { throw 1; });
    if (kind == 2)
        handler.on_connect([](Session&, const Request&) -> net::awaitable<void> {
            co_await net::post(net::use_awaitable);
            throw std::runtime_error("secret");
        });
    chain::testing::Kit kit{handler};

    const auto client = kit.connect();
    REQUIRE(client.refusal());
    CHECK(client.refusal()->status == 500);
    CHECK(client.refusal()->reason.find("secret") == std::string::npos);
    CHECK(handler.sessions() == 0);
    CHECK(seen.observer->count(std::string("threw /socket connect ") +
                               (kind == 1 ? "something that is no std::exception" : "secret")) ==
          1);
}

TEST_CASE("a session that its connect handler closes was never opened") {
    Observed seen;
    auto handler = test::handler_with({plain_room()}, seen.config);
    handler.on_connect([](Session& session, const Request&) { session.close(); });
    chain::testing::Kit kit{handler};

    CHECK(kit.connect().refusal());
    CHECK(handler.sessions() == 0);
    CHECK(seen.observer->count("opened") == seen.observer->count("closed"));
}

TEST_CASE("the config handler runs once, before the first client, and may add "
          "channels") {
    int runs = 0;
    auto handler = test::handler_with({});
    handler.on_config([&](chain::Handler& h) {
        ++runs;
        h.add(plain_room());
    });
    chain::testing::Kit kit{handler};
    CHECK(runs == 0);
    auto client = kit.connect();
    kit.connect();
    CHECK(runs == 1);
    test::join(client, "room:a");
}

TEST_CASE("what the config handler throws refuses every client with 500, and is told once") {
    Observed seen;
    auto handler = test::handler_with({}, seen.config);
    handler.on_config([](chain::Handler&) { throw std::runtime_error{"no such channel"}; });
    chain::testing::Kit kit{handler};
    for (int i = 0; i < 2; ++i) {
        const auto client = kit.connect();
        REQUIRE(client.refusal());
        CHECK(client.refusal()->status == 500);
        CHECK(client.refusal()->reason == "config crashed");
    }
    CHECK(handler.sessions() == 0);
    CHECK(seen.observer->count("threw /socket connect no such channel") == 1);
}

// ------------------------------------------------------------------------------------
// the interface

TEST_CASE("a session knows its client, and its sockets by topic") {
    auto config = test::quiet();
    config.endpoint = "/live";
    config.options = {{"debug", true}};
    chain::testing::Kit kit{test::handler_with({plain_room()}, config)};
    Request request;
    request.query = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
    auto client = kit.connect(request);
    auto other = kit.connect();
    auto session = client.session();

    CHECK(session.id().size() == 32);
    CHECK(session.id().find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(session.id() != other.session().id());
    CHECK(session.endpoint() == "/live");
    CHECK(session.params() == Json{{"a", "3"}, {"b", "2"}});
    CHECK(other.session().params() == Json::object());
    CHECK(session.options() == Json{{"debug", true}});
    CHECK_FALSE(session.socket("room:a"));
    test::join(client, "room:a");
    REQUIRE(session.socket("room:a"));
    CHECK(session.socket("room:a")->topic() == "room:a");
    CHECK_FALSE(session.socket("room:b"));
    CHECK(kit.handler().session(session.id()) == session);
    CHECK_FALSE(kit.handler().session("0123"));
    CHECK_FALSE(kit.handler().session(std::string(32, '0')));
}

TEST_CASE(
    "a socket that is kept outlives its membership, its session's next ones, and the client") {
    std::optional<Socket> kept;
    auto room = plain_room();
    room.on_leave([&](Socket& socket, LeaveReason) {
        if (!kept) kept = socket;
    });
    chain::testing::Kit kit{test::handler_with({room})};
    {
        auto client = kit.connect();
        test::join(client, "room:a");
        test::answers(client, frame(1, 2, "room:a", "_leave"));
        REQUIRE(kept);
        for (const auto* topic : {"room:b", "room:c", "room:d", "room:a"}) {
            test::join(client, topic);
            CHECK(client.session().socket(topic)->topic() == topic);
        }
        CHECK(kept->topic() == "room:a");
        CHECK(kept->status() == chain::SocketStatus::removed);
        CHECK_FALSE(*kept == *client.session().socket("room:a"));
    }
    kit.run();
    CHECK(kept->topic() == "room:a");
    std::thread([last = std::exchange(kept, std::nullopt)] {}).join();
    auto other = kit.connect();
    test::join(other, "room:a");
}

TEST_CASE("a session's state and values live as long as it does") {
    struct Tracked {
        ~Tracked() {
            if (flag) *flag = true;
        }
        bool* flag = nullptr;
    };
    bool destroyed = false;
    bool destroyed_before_leave = true;
    auto room = plain_room();
    room.on_leave([&](Socket&, LeaveReason) { destroyed_before_leave = destroyed; });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    auto session = client.session();
    session.state<Tracked>().flag = &destroyed;
    session.set("a", 1);
    CHECK(session.find_state<Tracked>());
    CHECK_FALSE(session.find_state<int>());
    CHECK_THROWS_AS(session.state<int>(), std::logic_error);
    test::join(client, "room:a");
    CHECK(session.get("a") == 1);
    CHECK(session.get("b").is_null());

    client.disconnect();
    CHECK(destroyed);
    CHECK_FALSE(destroyed_before_leave);
}

TEST_CASE("frames may be pushed as they are, and dispatched as if the client "
          "had sent them") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    auto client = kit.connect();
    auto session = client.session();

    CHECK_FALSE(session.push(R"([2,"any","thing",1])"));
    CHECK_FALSE(kit.handler().dispatch(session, frame(1, 1, "room:a", "_join")));
    CHECK(session.dispatch("[") == Errc::not_json);
    CHECK(session.dispatch("[]") == Errc::malformed_frame);
    CHECK_FALSE(session.socket("room:a")->send(R"([2,"room:a","raw",2])"));
    kit.run();
    CHECK(client.receive_all() ==
          Frames{R"([2,"any","thing",1])", "[1,1,1,0,{}]", R"([2,"room:a","raw",2])"});

    session.close();
    CHECK(session.push("[]") == Errc::closed);
    CHECK(session.dispatch(frame(1, 1, "room:a", "_join")) == Errc::closed);
    CHECK(session.attach(std::make_shared<Carrier>()) == Errc::closed);
}

TEST_CASE("a handler may dispatch to its own session and close it") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("go", [](Socket& socket) {
        CHECK_FALSE(socket.session().dispatch(frame(1, 3, "room:a", "echo", "3")));
        socket.push("first");
        return Reply::ok();
    });
    room.on("echo", [](Socket&, const chain::Payload& p) { return Reply::ok(p); });
    room.on("end", [](Socket& socket) {
        socket.session().close(1000, "enough");
        CHECK_FALSE(socket.push("last"));
        return Reply::ok();
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    client.send(frame(1, 2, "room:a", "go"));
    CHECK(client.receive_all() ==
          Frames{R"([0,1,0,"room:a","first",null])", "[1,1,2,0,{}]", "[1,1,3,0,3]"});
    client.send(frame(1, 4, "room:a", "end"));
    CHECK(client.receive_all() == Frames{R"([0,1,0,"room:a","last",null])", "[1,1,4,0,{}]"});
    CHECK(client.close_code() == 1000);
}

TEST_CASE("push and broadcast from another thread take effect on the session's "
          "thread") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    auto client = kit.connect();
    test::join(client, "room:a");
    auto session = client.session();
    auto socket = *session.socket("room:a");

    std::thread([&] {
        CHECK_FALSE(socket.push("one", 1));
        CHECK_FALSE(socket.broadcast("two", 2));
        CHECK_FALSE(socket.broadcast_from("not to itself"));
        CHECK_FALSE(socket.send(R"([2,"room:a","three",3])"));
        CHECK_FALSE(session.push(R"([2,"room:a","four",4])"));
        CHECK_FALSE(session.dispatch(frame(1, 2, "room:a", "echo", "5")));
        CHECK(socket.push("_x") == Errc::invalid_event);
        CHECK(socket.broadcast("_x") == Errc::invalid_event);
        CHECK(socket.topic() == "room:a");
        CHECK(socket.id() == session.id());
    }).join();
    CHECK(client.receive_all().empty());
    kit.run();
    CHECK(client.receive_all() == Frames{R"([0,1,0,"room:a","one",1])", R"([2,"room:a","two",2])",
                                         R"([2,"room:a","three",3])", R"([2,"room:a","four",4])",
                                         "[1,1,2,0,5]"});

    std::thread([&] { session.close(1001); }).join();
    CHECK_FALSE(session.closed());
    kit.run();
    CHECK(session.closed());
    CHECK(client.close_code() == 1001);
}

TEST_CASE("calls on the session's own thread keep their order outside of "
          "handlers too") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    auto socket = *client.session().socket("room:a");

    room.broadcast("room:a", "one");
    socket.push("two");
    kit.handler().pubsub().broadcast("room:a", "three");
    socket.broadcast("four");
    kit.run();
    CHECK(client.receive_all() ==
          Frames{R"([2,"room:a","one",null])", R"([0,1,0,"room:a","two",null])",
                 R"([2,"room:a","three",null])", R"([2,"room:a","four",null])"});
}

// ---------------------------------------------------------------------------------
// coming and going

TEST_CASE("what is sent while a client is away arrives once it is back, in "
          "order and once") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    room.broadcast("room:a", "n", 0);
    kit.run();
    client.lose_connection();
    for (int i = 1; i <= 3; ++i) {
        room.broadcast("room:a", "n", i);
        kit.run();
    }
    client.session().socket("room:a")->push("mine");
    kit.advance(14s);

    REQUIRE(client.reconnect());
    room.broadcast("room:a", "n", 4);
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","n",1])", R"([2,"room:a","n",2])",
                                         R"([2,"room:a","n",3])", R"([0,1,0,"room:a","mine",null])",
                                         R"([2,"room:a","n",4])"});
    kit.advance(1min);
    CHECK_FALSE(client.session().closed());
    client.send(frame(1, 2, "room:a", "echo", "2"));
    CHECK(client.receive_all() == Frames{"[1,1,2,0,2]"});
}

TEST_CASE("a client that stays away longer than the resume window is gone") {
    auto config = test::quiet();
    config.timeouts.resume_window = 3s;
    int left = 0;
    auto room = plain_room();
    room.on_leave([&](Socket&, LeaveReason why) { left += why == LeaveReason::close ? 1 : 100; });
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.lose_connection();

    kit.advance(2'900ms);
    CHECK(left == 0);
    kit.advance(200ms);
    CHECK(left == 1);
    CHECK_FALSE(client.reconnect());
    CHECK(client.session().closed());
    CHECK(kit.handler().sessions() == 0);
}

TEST_CASE("a scheduled shutdown can be called off, and scheduled again") {
    chain::testing::Kit kit{test::handler_with({plain_room()})};
    auto client = kit.connect();
    auto session = client.session();
    session.schedule_shutdown(1s);
    kit.advance(900ms);
    session.stop_scheduled_shutdown();
    kit.advance(10s);
    CHECK_FALSE(session.closed());
    session.schedule_shutdown(1s);
    kit.advance(500ms);
    session.schedule_shutdown(1s);
    kit.advance(900ms);
    CHECK_FALSE(session.closed());
    std::thread([&] { session.stop_scheduled_shutdown(); }).join();
    kit.advance(10s);
    CHECK_FALSE(session.closed());
    session.schedule_shutdown(40s);
    kit.advance(39'900ms);
    CHECK_FALSE(session.closed());
    kit.advance(200ms);
    CHECK(session.closed());
    CHECK(client.close_code() == 1000);
}

TEST_CASE("pitfall 14: the newest connection of a session takes over, and the "
          "older one is told") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    auto session = client.session();
    const auto first = std::make_shared<Carrier>();
    const auto second = std::make_shared<Carrier>();

    CHECK_FALSE(session.attach(first));
    CHECK(client.close_code() == 4001);
    CHECK_FALSE(session.attach(second));
    CHECK(first->code == 4001);
    CHECK(first->reason == "replaced");
    room.broadcast("room:a", "n", 1);
    kit.run();
    CHECK(first->received.empty());
    CHECK(client.receive_all().empty());
    CHECK(second->received == "[2,\"room:a\",\"n\",1]\n");
    CHECK(session.attach(std::make_shared<Carrier>(chain::Framing::websocket)) ==
          Errc::other_framing);
    CHECK(second->code == 0);
}

TEST_CASE("pitfall 15: a late disconnect of an older connection does not end "
          "the session") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    auto session = client.session();
    test::join(client, "room:a");
    const auto first = std::make_shared<Carrier>();
    const auto second = std::make_shared<Carrier>();
    session.attach(first);
    session.schedule_shutdown(15s);
    session.attach(second);
    session.detach(*first);

    room.broadcast("room:a", "n");
    kit.advance(1min);
    CHECK_FALSE(session.closed());
    CHECK(second->received == "[2,\"room:a\",\"n\",null]\n");
}

TEST_CASE("a connection that ends in the middle of a frame leaves the next one "
          "whole frames") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.accept_at_most(10);
    for (int i = 0; i < 3; ++i) room.broadcast("room:a", "n", i);
    kit.run();

    client.lose_connection();
    REQUIRE(client.reconnect());
    CHECK(client.receive_all() == Frames{R"([2,"room:a","n",1])", R"([2,"room:a","n",2])"});
}

// -------------------------------------------------------------------------------------
// slow readers

TEST_CASE("a client that takes a few bytes of each write gets every frame whole") {
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.accept_at_most(static_cast<std::size_t>(GENERATE(1, 7, 20, 21, 50)));
    Frames expected;
    for (int i = 0; i < 10; ++i) {
        room.broadcast("room:a", "n", i);
        if (i % 3 == 0) kit.run();
        expected.push_back(R"([2,"room:a","n",)" + std::to_string(i) + "]");
    }
    kit.run();

    client.reading(true);
    CHECK(client.receive_all() == expected);
    CHECK_FALSE(client.close_code());
}

TEST_CASE("a client that does not read is closed with 1013 past the limit, and "
          "disturbs nobody") {
    Observed seen;
    seen.config.limits.unsent_bytes_per_session = 2000;
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room}, seen.config)};
    auto slow = kit.connect();
    auto quick = kit.connect();
    test::join(slow, "room:a");
    test::join(quick, "room:a");
    auto socket = *slow.session().socket("room:a");
    slow.reading(false);
    const std::string text(450, 'x');
    for (int i = 0; i < 4; ++i) {
        room.broadcast("room:a", "n", text);
        kit.run();
    }
    CHECK_FALSE(slow.session().closed());
    CHECK_FALSE(socket.push("n"));
    for (int i = 0; i < 4; ++i) {
        room.broadcast("room:a", "n", text);
        kit.run();
    }

    CHECK(slow.session().closed());
    CHECK(slow.close_code() == 1013);
    CHECK(socket.push("n") == Errc::closed);
    CHECK(quick.receive_all().size() == 8);
    CHECK_FALSE(quick.close_code());
    CHECK(std::ranges::any_of(seen.observer->lines,
                              [](const auto& line) { return line.starts_with("dropped "); }));
    CHECK(kit.handler().sessions() == 1);
}

TEST_CASE("a client that catches up in time is not closed, and is told of a "
          "full backlog at the call") {
    auto config = test::quiet();
    config.limits.unsent_bytes_per_session = 1000;
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.reading(false);
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 9; ++i) room.broadcast("room:a", "n", std::string(80, 'x'));
        kit.run();
        client.reading(true);
        CHECK(client.receive_all().size() == 9);
        client.reading(false);
    }
    CHECK_FALSE(client.session().closed());
}

TEST_CASE("the handler's limit of unsent bytes counts all of its sessions") {
    auto config = test::quiet();
    config.limits.unsent_bytes = 3000;
    auto room = plain_room();
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto reader = kit.connect();
    test::join(reader, "room:a");
    std::vector<chain::testing::Client> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(kit.connect());
        test::join(clients.back(), "room:a");
        clients.back().reading(false);
    }
    room.broadcast("room:a", "n", std::string(600, 'x'));
    kit.run();
    for (auto& client : clients) CHECK_FALSE(client.close_code());
    room.broadcast("room:a", "n", std::string(600, 'x'));
    kit.run();
    std::size_t closed = 0;
    for (auto& client : clients) closed += client.close_code() == 1013 ? 1U : 0U;
    CHECK(closed >= 1);
    CHECK_FALSE(reader.close_code());
    CHECK(reader.receive_all().size() == 2);
}

TEST_CASE("what is pending is sent before the connection is closed") {
    auto room = plain_room();
    room.on_leave([](Socket& socket, LeaveReason) { socket.broadcast("left", socket.topic()); });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    auto other = kit.connect();
    test::join(client, "room:a", 1);
    test::join(other, "room:a", 1);
    client.accept_at_most(static_cast<std::size_t>(GENERATE(0, 5, 10'000)));
    room.broadcast("room:a", "n", 1);
    client.session().socket("room:a")->push("n", 2);
    client.session().close();
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","n",1])", R"([0,1,0,"room:a","n",2])"});
    CHECK(client.close_code() == 1000);
    CHECK(other.receive_all() ==
          Frames{R"([2,"room:a","n",1])", R"([2,"room:a","left","room:a"])"});
}

// ----------------------------------------------------------------------------------------
// draining

TEST_CASE("drain ends all sessions with 1012, runs leave handlers, and tells "
          "when it is done") {
    test::Gate gate;
    auto room = plain_room();
    int left = 0;
    room.on_leave([&](Socket&, LeaveReason) -> net::awaitable<void> {
        co_await gate.wait();
        ++left;
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    test::join(ann, "room:a");
    bool done = false;
    kit.handler().drain(5s, [&] { done = true; });
    kit.run();
    CHECK(kit.handler().draining());
    CHECK(bob.close_code() == 1012);
    CHECK_FALSE(ann.close_code());
    CHECK_FALSE(done);
    const auto late = kit.connect();
    REQUIRE(late.refusal());
    CHECK(late.refusal()->status == 503);

    SECTION("when the last has ended") {
        gate.open();
        kit.run();
        CHECK(left == 1);
        CHECK(ann.close_code() == 1012);
    }
    SECTION("or when the deadline is over") {
        kit.advance(4'900ms);
        CHECK_FALSE(done);
        kit.advance(200ms);
    }
    CHECK(done);
}

// -----------------------------------------------------------------------
// exceptions, and the observer

TEST_CASE("an exception in each hook is logged with pattern, hook and text, "
          "and has its own effect") {
    Observed seen;
    const bool odd = GENERATE(false, true);
    const auto fail = [odd](const char* text) {
        if (odd) throw 7;
        throw std::runtime_error(text);
    };
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&, const Json& params) {
        if (params == "crash") fail("join");
    });
    room.on("crash", [&](Socket&) { fail("in"); });
    room.on_out("out", [&](Socket&, const Json&) -> std::optional<Json> {
        fail("out");
        return 1;
    });
    room.on_leave([&](Socket&, LeaveReason) { fail("leave"); });
    chain::testing::Kit kit{test::handler_with({room}, seen.config)};
    auto client = kit.connect();
    const auto threw = [&](const std::string& hook) {
        const auto text = odd ? "something that is no std::exception" : hook;
        return seen.observer->count("threw room:* " + hook + " " + text);
    };

    client.send(frame(1, 1, "room:a", "_join", R"("crash")"));
    CHECK(client.receive_all() == Frames{R"([1,1,1,1,{"reason":"join crashed"}])"});
    CHECK(threw("join") == 1);
    CHECK(threw("leave") == 0);

    test::join(client, "room:a", 2);
    client.send(frame(2, 3, "room:a", "crash"));
    CHECK(client.receive_all() ==
          Frames{R"([1,2,3,1,{"reason":"internal error"}])", R"([0,2,0,"room:a","_error",{}])"});
    CHECK(threw("in") == 1);
    CHECK(threw("leave") == 1);

    test::join(client, "room:a", 4);
    room.broadcast("room:a", "out");
    kit.run();
    CHECK(client.receive_all() == Frames{R"([0,4,0,"room:a","_error",{}])"});
    CHECK(threw("out") == 1);
    CHECK(threw("leave") == 2);

    test::join(client, "room:a", 5);
    client.send(frame(5, 6, "room:a", "_leave"));
    CHECK(client.receive_all() == Frames{"[1,5,6,0,{}]"});
    CHECK(threw("leave") == 3);
    CHECK_FALSE(client.session().closed());
}

TEST_CASE("type and range errors of nlohmann do not end a membership, but are "
          "logged where nobody is answered") {
    Observed seen;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json& params) {
        if (params.is_array()) static_cast<void>(params.at("x"));
    });
    room.on("type", [](Socket&, const Json& p) { return Reply::ok(p.at("x").get<std::string>()); });
    room.on("range", [](Socket&, const Json& p) { return Reply::ok(p.at("missing")); });
    room.on_out("out", [](Socket&, Json p) -> std::optional<Json> { return p.at("x"); });
    room.on_leave([](Socket&, LeaveReason) { static_cast<void>(Json(1).at("x")); });
    chain::testing::Kit kit{test::handler_with({room}, seen.config)};
    auto client = kit.connect();

    client.send(frame(1, 1, "room:a", "_join", "[]"));
    CHECK(client.receive_all() == Frames{R"([1,1,1,1,{"reason":"bad payload"}])"});
    test::join(client, "room:a", 2);
    client.send(frame(2, 3, "room:a", "type", R"({"x":1})"));
    client.send(frame(2, 4, "room:a", "range", "{}"));
    CHECK(client.receive_all() ==
          Frames{R"([1,2,3,1,{"reason":"bad payload"}])", R"([1,2,4,1,{"reason":"bad payload"}])"});
    const auto logged = [&] {
        return std::ranges::count_if(seen.observer->lines,
                                     [](const auto& line) { return line.starts_with("threw "); });
    };
    CHECK(logged() == 0);

    room.broadcast("room:a", "out", 7);
    kit.run();
    CHECK(client.receive_all().empty());
    CHECK(logged() == 1);
    client.send(frame(2, 5, "room:a", "_leave"));
    CHECK(client.receive_all() == Frames{"[1,2,5,0,{}]"});
    CHECK(logged() == 2);
}

TEST_CASE("what an observer throws is ignored") {
    class Throwing final : public chain::Observer {
      public:
        void log(chain::LogLevel, std::string_view) override { throw 1; }
        void session_opened() override { throw 1; }
        void session_closed() override { throw std::runtime_error("x"); }
        void session_refused(chain::error_code) override { throw 1; }
        void joined(std::string_view) override { throw 1; }
        void join_refused(std::string_view) override { throw 1; }
        void left(std::string_view, LeaveReason) override { throw 1; }
        void event_in(std::string_view) override { throw 1; }
        void broadcast(std::string_view) override { throw 1; }
        void handler_threw(std::string_view, chain::Hook, std::string_view) override { throw 1; }
        void bad_frame(chain::error_code) override { throw 1; }
    };
    chain::HandlerConfig config;
    config.observer = std::make_shared<Throwing>();
    auto room = plain_room();
    room.on("crash", [](Socket&) { throw 1; });
    auto handler = test::handler_with({room}, config);
    chain::testing::Kit kit{handler};
    auto plain = handler.pubsub().subscribe(
        "news", [](std::string_view, const chain::Payload&) { throw 1; });
    auto client = kit.connect();

    test::join(client, "room:a");
    client.send(frame(1, 2, "room:a", "say", "1"));
    CHECK(client.receive_all() == Frames{R"([2,"room:a","said",1])"});
    CHECK_FALSE(handler.pubsub().publish("news", 1));
    client.send(frame(1, 3, "room:a", "crash"));
    client.send(frame(1, 3, "hall:a", "_join"));
    client.send("[");
    kit.run();
    CHECK(client.close_code() == 1007);
}

TEST_CASE("the observer is told of everything, by pattern and never by topic") {
    Observed seen;
    auto room = plain_room();
    room.on_join("room:closed", [](Socket&) { return Reply::error("closed"); });
    chain::testing::Kit kit{test::handler_with({room}, seen.config)};
    auto client = kit.connect();
    test::join(client, "room:secret");
    client.send(frame(2, 2, "room:closed", "_join"));
    client.send(frame(1, 3, "room:secret", "say", "1"));
    client.send(frame(1, 4, "room:secret", "_leave"));
    client.send("[");

    CHECK(seen.observer->lines ==
          Frames{"opened", "joined room:*", "join refused room:*", "in room:*", "broadcast room:*",
                 "left room:* 0", "bad frame " + std::to_string(static_cast<int>(Errc::not_json)),
                 "closed"});
}
