// What docs/guarantees.md and docs/exceptions.md say, where no other test shows it.
#include "../support/core.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace net = boost::asio;
using chain::Errc, chain::Json, chain::Request, chain::Session, chain::Socket;
using test::frame, test::Frames, test::Gate;

namespace {

/// A channel that lets everybody in and has one event handler.
template <class F>
chain::Channel room_with(std::string event, F handler) {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on(std::move(event), std::move(handler));
    return room;
}

/// Does `f`, on another thread of a copy of this process, end that copy by an assertion? No thread
/// of this process is touched, and nothing is written to its output.
template <class F>
bool asserts_elsewhere(F f) {
    int status = 0;
    std::thread([&] {
        const auto child = fork();
        if (child == 0) {
            dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
            std::signal(SIGABRT, SIG_DFL);
            f();
            _exit(0);
        }
        waitpid(child, &status, 0);
    }).join();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

} // namespace

TEST_CASE("what one thread sends on several topics reaches a session in the order of the calls") {
    auto room = room_with("go", [](Socket& socket) {
        auto other = *socket.session().socket("room:b");
        socket.broadcast("1");
        other.push("2");
        socket.push("3");
        other.broadcast("4");
        socket.broadcast("5");
        other.broadcast("6");
        other.push("7");
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a", 1);
    test::join(client, "room:b", 2);

    client.send(frame(1, 3, "room:a", "go"));
    CHECK(client.receive_all() == Frames{R"([2,"room:a","1",null])", R"([0,2,0,"room:b","2",null])",
                                         R"([0,1,0,"room:a","3",null])", R"([2,"room:b","4",null])",
                                         R"([2,"room:a","5",null])", R"([2,"room:b","6",null])",
                                         R"([0,2,0,"room:b","7",null])"});
}

TEST_CASE("what a cancelled coroutine throws is not logged") {
    auto config = test::quiet();
    const auto observer = std::make_shared<test::RecordingObserver>();
    config.observer = observer;
    Gate gate;
    auto room = room_with("slow", [&](Socket&) -> net::awaitable<void> { co_await gate.wait(); });
    chain::testing::Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    test::join(client, "room:a");

    client.send(frame(1, 2, "room:a", "slow"));
    REQUIRE(gate.waiting() == 1);
    client.session().close();
    kit.run();
    CHECK(gate.waiting() == 0);
    CHECK(observer->count("left room:* 2") == 1);
    CHECK(std::ranges::none_of(observer->lines,
                               [](const auto& line) { return line.starts_with("threw "); }));
}

TEST_CASE("a nlohmann error of a connect handler refuses with 500 as any other") {
    auto handler = test::handler_with({});
    handler.on_connect([](Session&, const Request& request) {
        static_cast<void>(request.params().at("token").get<int>());
    });
    chain::testing::Kit kit{handler};
    Request wrong_type;
    wrong_type.query = {{"token", "text"}};

    for (const auto& client : {kit.connect(), kit.connect(wrong_type)}) {
        REQUIRE(client.refusal());
        CHECK(client.refusal()->status == 500);
    }
    CHECK(handler.sessions() == 0);
}

TEST_CASE("handles may be kept: they say that what they name has ended") {
    std::optional<Socket> socket;
    std::optional<Session> session;
    chain::ReplyToken token;
    auto room = room_with("keep", [&](Socket& own) {
        socket = own;
        session = own.session();
        token = own.reply_token();
    });
    auto kit = std::make_unique<chain::testing::Kit>(test::handler_with({room}));
    auto client = std::make_unique<chain::testing::Client>(kit->connect());
    test::join(*client, "room:a");
    client->send(frame(1, 2, "room:a", "keep"));

    client->send(frame(1, 3, "room:a", "_leave"));
    CHECK(socket->push("late") == Errc::not_joined);
    CHECK(token.reply(chain::Reply::ok()) == Errc::not_joined);
    CHECK_FALSE(session->closed());

    client->disconnect();
    client.reset();
    kit.reset();
    CHECK(session->closed());
    CHECK(session->push("[]") == Errc::closed);
    CHECK(socket->broadcast("late") != chain::error_code());
    CHECK(socket->topic() == "room:a");
    CHECK(socket->endpoint() == "/socket");
}

#ifndef NDEBUG
TEST_CASE("debug builds assert that state is used on the session's own thread") {
    auto room = room_with("x", [](Socket&) {});
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    auto session = client.session();
    auto socket = *session.socket("room:a");

    CHECK(asserts_elsewhere([&] { socket.state<int>() = 1; }));
    CHECK(asserts_elsewhere([&] { socket.set("key", 1); }));
    CHECK(asserts_elsewhere([&] { static_cast<void>(socket.get("key")); }));
    CHECK(asserts_elsewhere([&] { session.state<int>() = 1; }));
    CHECK_FALSE(asserts_elsewhere([&] { socket.push("event"); }));
    socket.state<int>() = 1;
    CHECK(socket.state<int>() == 1);
}
#endif
