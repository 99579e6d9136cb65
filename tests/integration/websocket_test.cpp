// The WebSocket transport against raw bytes: malformed frames of every kind, close codes,
// time-outs.
#include "../support/catch.hpp"
#include "support/test_server.hpp"
#include "support/ws_client.hpp"

using namespace std::chrono_literals;
using test::RawClient, test::TestServer, test::ws_frame, test::ws_text;

namespace {

/// A frame or several that break a rule, and the code that they are closed with.
struct Violation {
    std::string what;
    std::string bytes;
    int code;
};

std::string announced(unsigned first, std::uint64_t size) {
    std::string header{static_cast<char>(first), static_cast<char>(0x80 | 127)};
    for (int i = 7; i >= 0; --i) header += static_cast<char>(size >> (8 * i) & 0xFF);
    return header + std::string("\1\2\3\4");
}

std::vector<Violation> violations() {
    const std::string good = R"([0,0,1,"_chain","_heartbeat",null])";
    return {
        {"text that is not JSON", ws_text("hello"), 1007},
        {"an empty message", ws_text(""), 1007},
        {"JSON cut short", ws_text(good.substr(0, good.size() - 1)), 1007},
        {"JSON with something behind it", ws_text(good + "x"), 1007},
        {"text that is not UTF-8", ws_text("[0,1,1,\"room:a\",\"say\",\"\xC3\x28\"]"), 1007},
        {"UTF-8 that ends inside a code point", ws_text("\"\xE2\x82"), 1007},
        {"an overlong UTF-8 form", ws_text("\"\xC0\xAF\""), 1007},
        {"a surrogate in UTF-8", ws_text("\"\xED\xA0\x80\""), 1007},
        {"a binary frame", ws_frame(0x82, good), 1003},
        {"a JSON object", ws_text(R"({"topic":"room:a"})"), 1008},
        {"a JSON number", ws_text("42"), 1008},
        {"an array that is too short", ws_text("[0,1,1]"), 1008},
        {"pitfall 25: a kind that only servers send", ws_text(R"([2,"room:a","say",{}])"), 1008},
        {"pitfall 25: a reply from a client", ws_text(R"([1,1,1,0,{}])"), 1008},
        {"an unknown kind", ws_text(R"([9,1,1,"room:a","say",{}])"), 1008},
        {"a fractional reference", ws_text(R"([0,1.5,1,"room:a","say",{}])"), 1008},
        {"a negative reference", ws_text(R"([0,1,-1,"room:a","say",{}])"), 1008},
        {"a reference of 2^53", ws_text(R"([0,1,9007199254740992,"room:a","say",{}])"), 1008},
        {"a topic that is no string", ws_text(R"([0,1,1,7,"say",{}])"), 1008},
        {"an event that is no string", ws_text(R"([0,1,1,"room:a",null,{}])"), 1008},
        {"JSON that nests too deep",
         ws_text(R"([0,1,1,"room:a","say",)" + std::string(100, '[') + std::string(100, ']') + "]"),
         1008},
        {"a frame that is not masked", ws_frame(0x81, good, false), 1002},
        {"reserved bit 1 without an extension", ws_frame(0xC1, good), 1002},
        {"reserved bit 2", ws_frame(0xA1, good), 1002},
        {"reserved bit 3", ws_frame(0x91, good), 1002},
        {"an unknown data opcode", ws_frame(0x83, good), 1002},
        {"an unknown control opcode", ws_frame(0x8B, ""), 1002},
        {"a ping of 126 bytes", ws_frame(0x89, std::string(126, 'p')), 1002},
        {"a pong of 126 bytes", ws_frame(0x8A, std::string(126, 'p')), 1002},
        {"a close of 126 bytes", ws_frame(0x88, "\x03\xE8" + std::string(124, 'c')), 1002},
        {"a fragmented ping", ws_frame(0x09, "p"), 1002},
        {"a continuation of nothing", ws_frame(0x80, good), 1002},
        {"a new message inside a fragmented one", ws_frame(0x01, "[0,") + ws_text(good), 1002},
        {"a close frame with half a code", ws_frame(0x88, "\x03"), 1002},
        {"a close frame with a code that nobody may send", test::ws_close(1005), 1002},
        {"a close frame whose reason is not UTF-8", ws_frame(0x88, "\x03\xE8\xFF"), 1007},
        {"a length that the limit forbids", announced(0x81, 1ULL << 40), 1009},
        {"a length with its top bit set", announced(0x81, 1ULL << 63), 1002},
        {"a message one byte over the limit", ws_text(std::string(65537, ' ')), 1009},
        {"fragments that exceed the limit together",
         ws_frame(0x01, std::string(40000, ' ')) + ws_frame(0x80, std::string(25537, ' ')), 1009},
    };
}

/// One ping or message after another until the server ends the stream; the close code.
int code_of(RawClient& client, std::size_t& pings) {
    while (const auto frame = client.read_frame()) {
        if (frame->is_ping()) ++pings;
        if (frame->is_close()) return frame->close_code();
    }
    return 1006;
}

} // namespace

TEST_CASE("each malformed frame is closed with its code, and nobody else notices") {
    TestServer server(test::room_channel());
    server.start();
    auto witness = server.member("room:a");
    std::size_t closed = 0;

    for (const auto& violation : violations()) {
        INFO(violation.what);
        auto client = server.member("room:a");
        REQUIRE(client.send(violation.bytes));
        CHECK(client.close_code() == violation.code);
        CHECK(client.read_to_end().empty());
        CHECK_FALSE(client.was_reset());
        ++closed;
        CHECK(server.watch->signal.wait([&] { return server.watch->closed == closed; }));
        witness.send_text(R"([0,1,2,"room:a","say","hi"])");
        CHECK(witness.receive() == R"([2,"room:a","say","hi"])");
    }
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a client that goes on sending after its mistake still gets the close frame") {
    TestServer server(test::room_channel());
    server.start();
    auto client = server.member("room:a");

    const auto code = GENERATE(1002, 1007, 1009);
    client.send(code == 1002   ? ws_frame(0x83, "x")
                : code == 1007 ? ws_text("\xFF")
                               : ws_text(std::string(65537, ' ')));
    const auto flood = ws_text(std::string(60'000, ' '));
    for (int i = 0; i < 20 && client.send(flood); ++i) {
    }
    CHECK(client.close_code() == code);
}

TEST_CASE("what was answered before a mistake is sent before the close frame") {
    TestServer server(test::room_channel());
    server.start();
    auto client = server.member("room:a");

    client.send(ws_text(R"([0,1,2,"room:a","say","last words"])") +
                ws_text(R"([0,1,3,"room:a","echo",3])") + ws_text("oops"));
    CHECK(client.receive() == R"([2,"room:a","say","last words"])");
    CHECK(client.receive() == "[1,1,3,0,3]");
    CHECK(client.close_code() == 1007);
}

TEST_CASE("the closing handshake echoes the client's code and ends the stream") {
    TestServer server(test::room_channel());
    server.start();
    auto client = server.member("room:a");

    SECTION("with a code") {
        client.send(test::ws_close(3007));
        CHECK(client.close_code() == 3007);
    }
    SECTION("without one") {
        client.send(ws_frame(0x88, ""));
        CHECK(client.close_code() == 1005);
    }
    SECTION("after a message that is still answered") {
        client.send(ws_text(R"([0,1,2,"room:a","echo",1])") + test::ws_close(1000));
        CHECK(client.receive() == "[1,1,2,0,1]");
        CHECK(client.close_code() == 1000);
    }
    CHECK(client.read_to_end().empty());
    CHECK(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
    CHECK(server.handler.sessions() == 0);
}

TEST_CASE("pings are answered with their payload, also between fragments") {
    TestServer server(test::room_channel());
    server.start();
    auto client = server.member("room:a");

    client.send(ws_frame(0x01, R"([0,1,2,"room:a",)") + ws_frame(0x89, "are you there?") +
                ws_frame(0x00, R"("echo",)") + ws_frame(0x8A, "unasked pong") +
                ws_frame(0x80, "2]"));
    const auto pong = client.read_frame();
    REQUIRE(pong);
    CHECK(pong->is_pong());
    CHECK(pong->payload == "are you there?");
    CHECK(client.receive() == "[1,1,2,0,2]");
}

TEST_CASE("Beast's client, byte by byte: fragments, pings and a UTF-8 character cut in two") {
    TestServer server(test::room_channel());
    server.start();
    test::WsClient client(server.port());
    client.send_in_pieces(R"([0,1,1,"room:a","_join",{}])", 1);
    REQUIRE(client.receive() == "[1,1,1,0,{}]");
    client.ping("x");
    client.send_in_pieces("[0,1,2,\"room:a\",\"echo\",\"\xF0\x9F\x98\x80 \xC3\xA9\"]", 1);
    CHECK(client.receive() == "[1,1,2,0,\"\xF0\x9F\x98\x80 \xC3\xA9\"]");
    CHECK(client.pong() == "x");
    client.send_binary("bytes");
    CHECK(client.close_code() == 1003);
}

TEST_CASE("large messages pass in both directions") {
    chain::HandlerConfig config;
    config.limits.message_bytes = 4 << 20;
    config.limits.unsent_bytes_per_session = 8 << 20;
    TestServer server(test::room_channel(), config);
    server.start();
    test::WsClient client(server.port());
    client.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(client.receive() == "[1,1,1,0,{}]");

    for (const std::size_t size : {125U, 126U, 65535U, 65536U, 3'000'000U}) {
        const auto text = '"' + std::string(size, 'y') + '"';
        client.send(R"([0,1,2,"room:a","echo",)" + text + "]");
        CHECK(client.receive() == "[1,1,2,0," + text + "]");
    }
}

TEST_CASE("pitfall 18: a silent client is pinged after half the idle time and closed with 1001") {
    chain::HandlerConfig config;

    SECTION("one that answers nothing") {
        config.timeouts.idle = 400ms;
        TestServer server(test::room_channel(), config);
        server.start();
        auto client = server.member("room:a");
        std::size_t pings = 0;
        CHECK(code_of(client, pings) == 1001);
        CHECK(pings >= 1);
    }
    SECTION("one that answers pings stays for as long as it does") {
        config.timeouts.idle = 4s; // an answer may take half of it
        TestServer server(test::room_channel(), config);
        server.start();
        auto client = server.member("room:a");
        for (int i = 0; i < 3; ++i) {
            const auto frame = client.read_frame();
            REQUIRE(frame);
            REQUIRE(frame->is_ping());
            client.send(ws_frame(0x8A, frame->payload));
        }
        client.send_text(R"([0,1,2,"room:a","echo",1])");
        CHECK(client.receive() == "[1,1,2,0,1]");
    }
}

TEST_CASE("a client that never answers the close frame is dropped after the close time-out") {
    chain::HandlerConfig config;
    config.timeouts.close = 200ms;
    TestServer server(test::room_channel(), config);
    server.start();
    auto client = server.member("room:a");

    client.send_text("not JSON");
    const auto frame = client.read_frame();
    REQUIRE(frame);
    CHECK(frame->close_code() == 1007);
    CHECK(client.read_to_end().empty());
}

TEST_CASE("an application may close a session with a code and a reason") {
    auto room = test::room_channel();
    TestServer server(room);
    std::optional<chain::Session> session;
    test::Signal signal;
    server.handler.on_connect([&](chain::Session& connected, const chain::Request&) {
        signal.change([&] { session = connected; });
    });
    server.start();
    test::WsClient client(server.port());
    REQUIRE(signal.wait([&] { return session.has_value(); }));

    session->close(1000, "bye for good");
    CHECK(client.close_code() == 1000);
    CHECK(client.close_reason() == "bye for good");
    CHECK(session->closed());
    CHECK(session->push("[2,\"a\",\"b\",null]") == chain::Errc::closed);
}

TEST_CASE("a session that ends before its connection is there still tells the client why") {
    TestServer server(test::room_channel());
    std::optional<chain::Session> session;
    server.handler.on_connect(
        [&](chain::Session& connected, const chain::Request&) { session = connected; });

    SECTION("inside the connect handler: the client is not let in") {
        server.handler.on_connect(
            [](chain::Session& connected, const chain::Request&) { connected.close(); });
        server.start();
        CHECK(test::WsClient(server.port()).status() == 403);
    }
    SECTION("after it: the connection is closed as the application wished") {
        server.watch->when_opened = [&] { session->close(1000, "not today"); };
        server.start();
        test::WsClient client(server.port());
        CHECK(client.close_code() == 1000);
        CHECK(client.close_reason() == "not today");
    }
    CHECK(server.handler.sessions() == 0);
}

TEST_CASE("pitfall 16: a reset connection ends its session at once") {
    TestServer server(test::room_channel());
    server.start();
    for (std::size_t i = 1; i <= 3; ++i) {
        auto client = server.member("room:a");
        client.reset();
        CHECK(server.watch->signal.wait([&] { return server.watch->closed == i; }));
    }
    CHECK(server.handler.sessions() == 0);
}
