// A server's end: drain, close codes, and its port taken over at once.
#include "../support/catch.hpp"
#include "support/gate.hpp"
#include "support/resuming_client.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"
#include "support/ws_client.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>

using chain::Json, chain::LeaveReason, chain::Socket;
using test::Carrier, test::RawClient, test::ResumingClient, test::TestServer, test::WsClient;

TEST_CASE("stop drains: leave handlers run, the last words are sent, clients see 1012") {
    auto room = test::room_channel();
    std::atomic<int> left{0};
    room.on_leave([&](Socket& socket, LeaveReason reason) {
        if (reason == LeaveReason::close) ++left;
        socket.broadcast("left");
    });
    const auto threads = GENERATE(1U, 2U);
    TestServer server(room, {}, {.port = 0, .threads = threads});
    server.start();
    std::vector<WsClient> clients;
    for (int i = 0; i < 10; ++i) {
        clients.emplace_back(server.port());
        clients.back().send(R"([0,1,1,"room:a","_join",{}])");
        REQUIRE(clients.back().receive() == "[1,1,1,0,{}]");
    }
    clients[0].send(R"([0,1,2,"room:a","say","last words"])");
    for (auto& client : clients) REQUIRE(client.receive() == R"([2,"room:a","say","last words"])");

    std::thread stopper([&] { server.stop(); });
    for (auto& client : clients) CHECK(client.close_code() == 1012);
    stopper.join();
    CHECK(left == 10);
    CHECK(server.handler.sessions() == 0);
    CHECK(server.handler.draining());
    CHECK_THROWS(RawClient(server.port()));
}

TEST_CASE("a draining server is not ready, lets nobody join, and waits for leave handlers") {
    test::Gate gate;
    auto room = test::room_channel();
    room.on_leave([&](Socket& socket, LeaveReason) -> chain::net::awaitable<void> {
        co_await gate.pass();
        socket.broadcast("left");
    });
    TestServer server(room);
    server.start();
    RawClient probe(server.port());
    RawClient live(server.port());
    RawClient late(server.port());
    CHECK(probe.get("/readyz").status == 200);
    CHECK(live.get("/healthz").status == 200);
    CHECK(late.get("/healthz").status == 200);
    auto member = server.member("room:a");

    std::thread stopper([&] { server.stop(); });
    REQUIRE(gate.wait_for(1));
    const auto answer = probe.get("/readyz");
    CHECK(answer.status == 503);
    CHECK(answer.header("connection") == "close");
    CHECK(live.get("/healthz").status == 200);
    CHECK(late.upgrade().status == 503);
    CHECK(server.handler.sessions() == 1);
    gate.open();
    CHECK(member.close_code() == 1012);
    stopper.join();
}

TEST_CASE(
    "a handler that the application drains first still tells it, and the server, of the end") {
    test::Gate gate;
    auto room = test::room_channel();
    room.on_leave(
        [&](Socket&, LeaveReason) -> chain::net::awaitable<void> { co_await gate.pass(); });
    TestServer server(room, {}, {.port = 0, .threads = 2});
    server.start();
    auto first = server.member("room:a");
    auto second = server.member("room:a");

    std::promise<void> drained;
    server.handler.drain(test::patience, [&] { drained.set_value(); });
    REQUIRE(gate.wait_for(2));
    std::thread stopper([&] { server.stop(); });
    gate.open();
    CHECK(drained.get_future().wait_for(test::patience) == std::future_status::ready);
    stopper.join();
    CHECK(first.close_code() == 1012);
    CHECK(second.close_code() == 1012);
}

TEST_CASE("a drain does not wait longer than its deadline") {
    test::Gate gate;
    auto room = test::room_channel();
    room.on_leave(
        [&](Socket&, LeaveReason) -> chain::net::awaitable<void> { co_await gate.pass(); });
    TestServer server(room, {},
                      {.port = 0, .threads = 1, .drain_deadline = std::chrono::milliseconds(100)});
    server.start();
    auto member = server.member("room:a");
    server.stop();
    CHECK(server.handler.sessions() == 1);
    gate.open();
    server.destroy();
    CHECK(server.handler.sessions() == 0);
    CHECK(member.close_code() != 1000);
}

TEST_CASE("a new server takes the port over at once, and clients come back to it") {
    auto first = std::make_unique<TestServer>(test::room_channel());
    first->start();
    const auto port = first->port();
    auto client = first->member("room:a");
    RawClient idle(port);
    CHECK(idle.get("/healthz").status == 200);

    const bool with_drain = GENERATE(true, false);
    if (with_drain) first->stop();
    first.reset();
    TestServer second(test::room_channel(), {}, {.port = port, .threads = 1});
    second.start();
    CHECK(second.port() == port);
    auto again = second.member("room:a");
    again.send_text(R"([0,1,2,"room:a","say","back"])");
    CHECK(again.receive() == R"([2,"room:a","say","back"])");
    CHECK(client.close_code() != 1000);
}

TEST_CASE("a drain tells each client in its own way when to come back") {
    chain::HandlerConfig config;
    config.timeouts.restart = std::chrono::milliseconds(1234);
    TestServer server(test::room_channel(), config);
    server.start();
    auto plain = server.member("room:a");
    ResumingClient socket(server.port(), Carrier::websocket, Carrier::websocket);
    ResumingClient stream(server.port(), Carrier::sse, Carrier::sse);
    auto old = test::SseBrowser(server.port()).open();
    server.stop();

    for (auto* client : {&plain, &*socket.socket()}) {
        auto frame = client->read_frame();
        while (frame && !frame->is_close()) frame = client->read_frame();
        REQUIRE(frame);
        CHECK(frame->close_code() == 1012);
        CHECK(frame->payload.substr(2) == R"({"retry_after_ms":1234})");
    }
    const auto last = stream.socket()->read_to_end();
    const std::string told = R"(data: [0,0,0,"_chain","_restart",{"retry_after_ms":1234}])";
    CHECK(last.ends_with(told + "\n\nretry: 1234\n\n"));
    std::string block;
    while (auto next = old.block()) block = *next;
    CHECK(block == "retry: 1234");
}

TEST_CASE("readyz tells of a handler that drains, until that is called off") {
    chain::HandlerConfig config;
    config.drain = {.window = std::chrono::seconds(30), .per_second = 0};
    TestServer server(test::room_channel(), config);
    server.start();
    RawClient probe(server.port());
    auto member = server.member("room:a");
    server.handler.drain(std::chrono::minutes(5), [] {});
    CHECK(probe.get("/readyz").status == 503);
    server.handler.call_off_drain();
    CHECK(probe.get("/readyz").status == 200);
    CHECK(RawClient(server.port()).upgrade().status == 101);
}

namespace {

/// What a member that was closed in a drain had received before, up to its close.
std::string words_before_close(ResumingClient& client, Carrier carrier) {
    if (carrier == Carrier::sse) return client.socket()->read_to_end();
    std::string all;
    while (const auto frame = client.socket()->read_frame()) {
        all += frame->payload;
        if (frame->is_close()) break;
    }
    return all;
}

} // namespace

TEST_CASE("a deploy: what had an ok reply before the drain reached everybody, and after the "
          "restart each resume is told unknown and rejoins") {
    chain::HandlerConfig config;
    config.drain = {.window = std::chrono::milliseconds(200), .per_second = 0};
    auto room = test::room_channel();
    room.on("publish", [](Socket& socket, const Json& text) {
        socket.broadcast("say", text);
        return chain::Reply::ok();
    });
    auto first = std::make_unique<TestServer>(room, config);
    first->start();
    const auto port = first->port();
    std::vector<std::pair<Carrier, ResumingClient>> clients;
    for (int i = 0; i < 12; ++i) {
        const auto carrier = i % 3 == 0 ? Carrier::sse : Carrier::websocket;
        clients.emplace_back(carrier, ResumingClient(port, carrier, carrier));
        clients.back().second.send(R"([0,1,1,"room:a","_join",{}])");
        REQUIRE(clients.back().second.receive() == "[1,1,1,0,{}]");
    }
    auto sender = first->member("room:a");
    for (int i = 0; i < 50; ++i)
        sender.send_text(R"([0,1,2,"room:a","publish",)" + std::to_string(i) + "]");
    for (int answered = 0; answered < 50;) answered += sender.receive() == "[1,1,2,0,{}]" ? 1 : 0;
    first->stop();
    for (auto& [carrier, client] : clients) {
        const auto heard = words_before_close(client, carrier);
        for (int i = 0; i < 50; ++i)
            REQUIRE(heard.find(R"([2,"room:a","say",)" + std::to_string(i) + "]") !=
                    std::string::npos);
    }
    first.reset();

    TestServer second(test::room_channel(), {}, {.port = port, .threads = 1});
    second.start();
    for (auto& [carrier, client] : clients) {
        client.reconnect();
        REQUIRE(client.reason() == "unknown");
        client.send(R"([0,2,1,"room:a","_join",{}])");
        REQUIRE(client.receive() == "[1,2,1,0,{}]");
    }
    CHECK(second.handler.sessions() == 12);
}

TEST_CASE("stop may be called twice, at the same time, and from a handler") {
    chain::Channel room{"room:*"};
    std::optional<TestServer> server;
    room.on_join([](Socket&, const Json&) {});
    room.on("stop", [&](Socket&, const Json&) { server->stop(); });
    server.emplace(room, chain::HandlerConfig{}, chain::ServerConfig{.port = 0, .threads = 2});
    server->start();
    auto client = server->member("room:a");

    SECTION("at the same time") {
        std::thread first([&] { server->stop(); });
        std::thread second([&] { server->stop(); });
        first.join();
        second.join();
    }
    SECTION("from a handler") { client.send_text(R"([0,1,2,"room:a","stop",{}])"); }
    CHECK(client.close_code() == 1012);
    server->stop();
    server->stop();
    CHECK(server->handler.sessions() == 0);
}

TEST_CASE("a port that is taken is told when the server begins to listen") {
    TestServer first(test::room_channel());
    first.start();
    chain::Server second({.address = "127.0.0.1", .port = first.port(), .threads = 1});
    CHECK_THROWS_AS(second.listen(), boost::system::system_error);
}

TEST_CASE("an address that is none is named in what the server throws") {
    chain::Server server({.address = "localhost", .port = 0, .threads = 1});
    try {
        server.listen();
        FAIL("it listens");
    } catch (const boost::system::system_error& thrown) {
        CHECK(std::string(thrown.what()).find("\"localhost\", port 0") != std::string::npos);
    }
}

TEST_CASE("a server that goes in the middle of its drain takes all its sessions along") {
    test::Signal signal;
    int leaving = 0;
    auto room = test::room_channel();
    room.on_leave([&](Socket&, LeaveReason) -> chain::net::awaitable<void> {
        chain::net::steady_timer never(co_await chain::net::this_coro::executor,
                                       std::chrono::steady_clock::time_point::max());
        signal.change([&] { ++leaving; });
        co_await never.async_wait(chain::net::use_awaitable);
    });
    TestServer server(room, {}, {.port = 0, .threads = 2});
    server.start();
    const auto one = server.member("room:a"), two = server.member("room:b"); // on a thread each
    chain::net::post(server.executor(), [&] { server.stop(); });
    REQUIRE(signal.wait([&] { return leaving == 2; }));
    server.destroy();
    CHECK(server.handler.sessions() == 0);
    CHECK(server.handler.draining());
}

TEST_CASE("a server that never ran goes without a trace") {
    chain::Handler handler;
    handler.add(test::room_channel());
    {
        chain::Server server({.port = 0, .threads = 2});
        server.mount(handler);
    }
    {
        chain::Server server({.port = 0, .threads = 2});
        server.mount(handler).listen();
        CHECK(server.port() != 0);
    }
    CHECK(handler.sessions() == 0);
}
