// permessage-deflate between a server and Beast's client, and on the wire.
#include "../support/catch.hpp"
#include "support/room_frames.hpp"
#include "support/test_server.hpp"
#include "support/ws_client.hpp"

#include <random>
#include <vector>

using test::RawClient, test::TestServer, test::ws_frame, test::WsClient;

namespace {

const std::string offer =
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

chain::HandlerConfig compressing() {
    chain::HandlerConfig config;
    config.compression.enabled = true;
    return config;
}

std::string say_text(const std::string& text) { return test::say('"' + text + '"'); }
std::string said_text(const std::string& text) { return test::said('"' + text + '"'); }

} // namespace

TEST_CASE("messages of any size go both ways compressed, to clients with and without it") {
    TestServer server(test::room_channel(), compressing());
    server.start();
    WsClient with(server.port(), "/socket/websocket", {}, true);
    WsClient without(server.port());
    for (auto* client : {&with, &without}) {
        client->send(test::join);
        REQUIRE(client->receive() == "[1,1,1,0,{}]");
    }
    for (const std::size_t size : {1U, 1000U, 1024U, 5000U, 60'000U}) {
        const std::string text(size, 'x');
        with.send(say_text(text));
        CHECK(with.receive() == said_text(text));
        CHECK(without.receive() == said_text(text));
    }
    const std::string text(50'000, 'y');
    with.send_in_pieces(say_text(text), 7000);
    CHECK(with.receive() == said_text(text));
    CHECK(without.receive() == said_text(text));
}

TEST_CASE("clients of two threads, with compression and without it, receive the same") {
    TestServer server(test::room_channel(), compressing(), {.port = 0, .threads = 2});
    server.start();
    std::vector<WsClient> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(WsClient(server.port(), "/socket/websocket", {}, i % 4 < 2));
        clients.back().send(test::join);
        REQUIRE(clients.back().receive() == test::joined);
    }
    std::mt19937 random(1);
    std::string noise(3000, ' '); // which hardly becomes smaller
    for (auto& letter : noise) letter = static_cast<char>('0' + random() % 43);
    for (const auto& text : {std::string(20, 'x'), std::string(5000, 'y'), noise}) {
        for (auto& from : clients) {
            from.send(say_text(text));
            for (auto& to : clients) CHECK(to.receive() == said_text(text));
        }
    }
}

TEST_CASE(
    "compression is agreed on only when both sides want it, and short messages go as they are") {
    TestServer server(test::room_channel(), compressing());
    server.start();
    RawClient client(server.port());
    const auto answer = client.upgrade("/socket/websocket", offer);
    CHECK(answer.header("sec-websocket-extensions") ==
          "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    client.send_text(test::join);
    CHECK(client.read_frame()->first == 0x81);
    client.send_text(say_text(std::string(2000, 'x')));
    const auto reply = client.read_frame().value();
    CHECK(reply.first == 0xC1);
    CHECK(reply.payload.size() < 100);

    RawClient plain(server.port());
    CHECK(plain.upgrade("/socket/websocket").header("sec-websocket-extensions").empty());
    RawClient small_window(server.port());
    const std::string narrow =
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n";
    const auto declined = small_window.upgrade("/socket/websocket", narrow);
    CHECK(declined.status == 101);
    CHECK(declined.header("sec-websocket-extensions").empty());

    TestServer off(test::room_channel());
    off.start();
    RawClient other(off.port());
    CHECK(other.upgrade("/socket/websocket", offer).header("sec-websocket-extensions").empty());
}

TEST_CASE("a client that sends nonsense for a compressed message is closed, and no other") {
    TestServer server(test::room_channel(), compressing());
    server.start();
    auto bystander = server.member("room:a");
    RawClient client(server.port());
    client.upgrade("/socket/websocket", offer);
    client.send(ws_frame(0xC1, "nonsense"));
    CHECK(client.read_frame()->close_code() == 1007);
    bystander.send_text(say_text("still here"));
    CHECK(bystander.receive() == said_text("still here"));
}

TEST_CASE("a compression level that zlib does not know is refused at set-up") {
    for (const int level : {0, 10}) {
        auto config = compressing();
        config.compression.level = level;
        CHECK_THROWS_AS(chain::Handler(config), std::invalid_argument);
    }
}
