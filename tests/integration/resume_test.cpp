// Sessions that outlive their connections, on the wire: protocol section 5.
#include "support/resuming_client.hpp"
#include "support/room_frames.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"

#include "support/catch.hpp"

#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <string>
#include <vector>

using chain::Json;
using test::Carrier, test::RawClient, test::ResumingClient, test::SseBrowser, test::SseStream;
using test::TestServer, test::join;
using namespace std::chrono_literals;

namespace {

std::string ask(int number, std::string_view payload = {}) {
    const auto text = std::to_string(number);
    return "[0,1," + text + R"(,"room:a","echo",)" +
           (payload.empty() ? text : std::string(payload)) + "]";
}
std::string echoed(int number) {
    const auto text = std::to_string(number);
    return "[1,1," + text + ",0," + text + "]";
}

struct Told {
    std::string token;
    bool resumed;
    std::string reason;
    int received;
};

Told told(const std::string& frame) {
    const auto payload = Json::parse(frame).at(5);
    return {payload.at("token"), payload.at("resumed"), payload.value("reason", ""),
            payload.value("received", -1)};
}

struct Server : TestServer {
    explicit Server(chain::HandlerConfig config = {})
        : TestServer(test::room_channel(), std::move(config), {.port = 0, .threads = 2}) {
        handler.add(std::make_shared<chain::WebSocketTransport>());
        handler.add(std::make_shared<chain::SseTransport>());
        start();
    }

    /// A WebSocket with these query parameters, and what it is told first.
    std::pair<RawClient, Told> open(const std::string& query) const {
        auto client = test::open_socket(port(), "?" + query);
        auto first = told(client.receive());
        return {std::move(client), std::move(first)};
    }
    /// One that has joined room:a.
    std::pair<RawClient, Told> member_that_resumes() const {
        auto opened = open("resume=1");
        opened.first.send_text(join);
        if (opened.first.receive() != "[1,1,1,0,{}]") throw std::runtime_error("not joined");
        return opened;
    }
    std::pair<RawClient, Told> resume(const Told& session, int received) const {
        return open("session=" + session.token + "&received=" + std::to_string(received));
    }
};

/// What a stream says first of all of its session; it has no id.
std::string session_frame(SseStream& stream) {
    auto block = stream.block().value();
    while (block.starts_with(":") || block.starts_with("retry:")) block = stream.block().value();
    if (!block.starts_with("data: ") || block.find("\"_session\"") == block.npos)
        throw std::runtime_error("not a session: " + block);
    return block.substr(6);
}

/// The next event that has an id, as number and data.
std::pair<unsigned long, std::string> event(SseStream& stream) {
    for (;;) {
        const auto block = stream.block();
        if (!block) throw std::runtime_error("the stream ended");
        if (!block->starts_with("id: ")) continue;
        return {std::stoul(block->substr(block->find('-') + 1)),
                block->substr(block->find("data: ") + 6)};
    }
}

} // namespace

TEST_CASE("pain 9: the token may come as a subprotocol, and is not sent back or logged") {
    Server server;
    auto [client, session] = server.member_that_resumes();
    client.reset();
    RawClient back(server.port());
    const auto reply =
        back.upgrade("/socket/websocket?received=1&attempt=2",
                     "Sec-WebSocket-Protocol: chain, chain.resume." + session.token + "\r\n");
    REQUIRE(reply.status == 101);
    CHECK(reply.header("sec-websocket-protocol") == "chain");
    CHECK(told(back.receive()).resumed);
    RawClient foreign(server.port());
    CHECK(foreign
              .upgrade("/socket/websocket?session=" + session.token,
                       "Origin: https://evil.example\r\n")
              .status == 403);
    for (const auto& line : server.watch->logged()) CHECK(line.find(session.token) == line.npos);
    back.send_text(ask(2));
    CHECK(back.receive() == echoed(2));
    CHECK(server.watch->left_count == 0);
}

TEST_CASE(
    "pitfall 14: a takeover closes the older WebSocket with 4001, and takes nothing more from "
    "it") {
    Server server;
    auto [older, session] = server.member_that_resumes();
    auto [newer, now] = server.resume(session, 1);
    CHECK(now.received == 1);
    older.send_text(ask(2)); // it does not know yet
    CHECK(older.close_code() == 4001);
    newer.send_text(ask(3));
    CHECK(newer.receive() == echoed(3));
    newer.reset();
    auto [last, then] = server.resume(now, 2);
    CHECK(then.received == 2);
}

TEST_CASE("an attempt that comes late is answered 409") {
    Server server;
    auto [client, session] = server.member_that_resumes();
    const auto query = "?session=" + session.token + "&received=1&attempt=";
    auto newer = test::open_socket(server.port(), query + "2");
    RawClient late(server.port());
    CHECK(late.upgrade("/socket/websocket" + query + "1").status == 409);
    CHECK(told(newer.receive()).resumed);
}

TEST_CASE("a frame of which the client got a part comes again whole") {
    Server server;
    RawClient client(server.port(), 4096);
    REQUIRE(client.upgrade("/socket/websocket?resume=1").status == 101);
    const auto session = told(client.receive());
    client.send_text(join);
    REQUIRE(client.receive() == "[1,1,1,0,{}]");
    const std::string big(60'000, 'x');
    constexpr int frames = 12; // more than the sockets' buffers hold
    for (int i = 2; i < 2 + frames; ++i) client.send_text(ask(i, '"' + big + '"'));
    client.send_text(R"([0,0,99,"_chain","_heartbeat",null])");
    client.reset();
    auto [back, now] = server.resume(session, 1);
    REQUIRE(now.resumed);
    // What the server has not received is sent again.
    for (int i = now.received + 1; i < 2 + frames; ++i) back.send_text(ask(i, '"' + big + '"'));
    for (int i = 2; i < 2 + frames; ++i) {
        auto frame = back.receive();
        while (frame.starts_with("[3,")) frame = back.receive();
        REQUIRE(frame == "[1,1," + std::to_string(i) + ",0,\"" + big + "\"]");
    }
}

TEST_CASE("a client that broke the rules is refused its session") {
    Server server;
    auto [client, session] = server.member_that_resumes();
    const auto [bytes, code] =
        GENERATE(std::pair<std::string, int>(test::ws_text("[9]"), 1008),
                 std::pair<std::string, int>(test::ws_text("{"), 1007),
                 std::pair<std::string, int>(test::ws_frame(0x82, "x"), 1003),
                 std::pair<std::string, int>(test::ws_frame(0xC1, "x"), 1002),
                 std::pair<std::string, int>(test::ws_text(std::string(65'537, 'x')), 1009));
    client.send(bytes);
    CHECK(client.close_code() == code);
    const bool too_big = code == 1009;
    CHECK(server.watch->bad_frames == (too_big ? 0U : 1U));
    CHECK(server.watch->limits() == std::vector<std::string>(too_big ? 1 : 0, "message_bytes"));
    auto [back, now] = server.resume(session, 1);
    CHECK_FALSE(now.resumed);
    CHECK(now.reason == "refused");
}

TEST_CASE("who says farewell ends the session; who closes because of a silence does not") {
    Server server;
    auto [client, session] = server.member_that_resumes();
    const auto code = GENERATE(1000u, 1001u, 4000u);
    client.send(test::ws_close(code));
    CHECK(client.close_code() == static_cast<int>(code));
    auto [back, now] = server.resume(session, 1);
    CHECK(now.resumed == (code == 4000));
    CHECK(now.reason == (code == 4000 ? "" : "expired"));
}

TEST_CASE(
    "pain 11, 12: a connection that is silent for too long is closed, and its session goes on") {
    chain::HandlerConfig config;
    config.timeouts.idle = 200ms;
    Server server(config);
    auto [client, session] = server.member_that_resumes();
    while (const auto frame = client.read_frame()) { // pings are not answered
        if (!frame->is_close()) continue;
        CHECK(frame->close_code() == 1001);
        break;
    }
    auto [back, now] = server.resume(session, 1);
    CHECK(now.resumed);
    CHECK(server.watch->left_count == 0);
}

TEST_CASE(
    "a POST says how many frames were sent before it: what was taken is skipped, what is missing "
    "is told") {
    Server server;
    SseBrowser browser(server.port());
    auto stream = browser.open("tab", "&resume=1");
    const auto token = told(session_frame(stream)).token;
    const auto post = [&](const std::string& body, int seq, const std::string& shown) {
        RawClient client(server.port());
        return client.request("POST /socket/sse?sid=other&seq=" + std::to_string(seq) +
                              " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                              "X-Chain-Session: " +
                              shown + "\r\nContent-Length: " + std::to_string(body.size()) +
                              "\r\n\r\n" + body);
    };
    // No cookie is needed with the token.
    CHECK(post(join, 0, token).body == R"({"received":1})");
    CHECK(post(join, 0, token).body == R"({"received":1})");
    CHECK(post("[" + join + "," + ask(2) + "," + ask(3) + "]", 0, token).body ==
          R"({"received":3})");
    auto missing = post(ask(5), 4, token);
    CHECK(missing.status == 409);
    CHECK(missing.body == R"({"received":3})");
    CHECK(post("[" + ask(4) + ",[9]]", 3, token).status == 400); // none of it was taken
    CHECK(post(ask(4), 3, token).body == R"({"received":4})");
    CHECK(post(ask(5), 4, std::string(96, '0')).status == 410);
    for (const auto& data : {std::string("[1,1,1,0,{}]"), echoed(2), echoed(3), echoed(4)})
        CHECK(event(stream).second == data);
    // After a takeover, posts of the older connection are not taken any more.
    auto newer = browser.open("tab", "&session=" + token + "&received=4");
    const auto now = told(session_frame(newer));
    CHECK(now.resumed);
    CHECK(now.received == 4);
    CHECK(post(ask(5), 4, token).status == 410);
    CHECK(post(ask(5), 4, now.token).body == R"({"received":5})");
    CHECK(event(newer) == std::pair(5UL, echoed(5)));
    CHECK(stream.ends());
}

TEST_CASE("pitfall 17, pain 23: a browser that opens its stream again gets what it missed by "
          "Last-Event-ID, and nothing of another session's") {
    Server server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    for (int i = 2; i < 5; ++i) {
        REQUIRE(browser.say(ask(i)).status == 200);
        REQUIRE(stream.receive() == echoed(i));
    }
    const auto epoch = stream.epoch();
    SECTION("its own") {
        auto again = browser.open("tab", {}, "Last-Event-ID: " + epoch + "-2\r\n");
        CHECK(event(again) == std::pair(3UL, echoed(3)));
        CHECK(event(again) == std::pair(4UL, echoed(4)));
        CHECK(server.watch->left_count == 0);
    }
    SECTION("another's") {
        auto again = browser.open("tab", "", "Last-Event-ID: 00000000-1\r\n");
        REQUIRE(browser.say(ask(5)).status == 200);
        CHECK(event(again) == std::pair(5UL, echoed(5)));
    }
    SECTION("its own, shown by another browser") {
        SseBrowser thief(server.port());
        auto stolen = thief.open("tab", "", "Last-Event-ID: " + epoch + "-1\r\n");
        REQUIRE(thief.say(join).status == 200);
        CHECK(event(stolen) == std::pair(1UL, std::string("[1,1,1,0,{}]")));
    }
}

TEST_CASE("Last-Event-ID outranks the query's received, by the cookie and by the token") {
    Server server;
    SseBrowser browser(server.port()), elsewhere(server.port());
    auto stream = browser.open("tab", "&resume=1");
    const auto token = told(session_frame(stream)).token;
    REQUIRE(browser.say("[" + join + "," + ask(2) + "," + ask(3) + "]").status == 200);
    while (stream.receive() != echoed(3)) continue;
    const auto last = "Last-Event-ID: " + stream.epoch() + "-1\r\n";
    const bool by_cookie = GENERATE(true, false);
    auto again = by_cookie ? browser.open("tab", "&received=3", last)
                           : elsewhere.open("tab", "&received=3&session=" + token, last);
    CHECK(event(again) == std::pair(2UL, echoed(2)));
    CHECK(event(again) == std::pair(3UL, echoed(3)));
    CHECK(server.watch->left_count == 0);
}

TEST_CASE("over server-sent events nothing is acknowledged by frames: the received of a POST is an "
          "acknowledgement") {
    Server server;
    SseBrowser browser(server.port());
    auto stream = browser.open("tab", "&resume=1");
    session_frame(stream);
    std::string body = "[" + join;
    for (int i = 2; i <= 40; ++i) body += "," + ask(i);
    REQUIRE(browser.say(body + "]", "tab&seq=0&received=0").status == 200);
    const auto heartbeat = R"([0,0,99,"_chain","_heartbeat",null])";
    REQUIRE(browser.say(heartbeat, "tab&seq=40&received=0").status == 200);
    for (std::string block; block.find("[1,0,99,0,") == block.npos;) {
        block = stream.block().value();
        CHECK(block.find("data: [3,") == block.npos);
    }
    // Once the next one is answered, the turn in which those frames were sent is over.
    REQUIRE(browser.say(heartbeat, "tab&seq=40&received=0").status == 200);
    auto& kept = chain::detail::HandlerAccess::core(server.handler)->kept();
    CHECK(kept > 0);
    REQUIRE(browser.say(heartbeat, "tab&seq=40&received=40").status == 200);
    CHECK(kept == 0);
}

TEST_CASE("a POST that does not count its frames is handled as often as it comes") {
    Server server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    for (int i = 0; i < 2; ++i) {
        REQUIRE(browser.say(ask(2)).status == 200);
        CHECK(stream.receive() == echoed(2));
    }
}

TEST_CASE("a page of another origin does not get at a session by its token, and does it no harm") {
    Server server;
    auto [client, session] = server.member_that_resumes();
    SseBrowser thief(server.port());
    auto stolen = thief.open("tab", "&received=1&session=" + session.token,
                             "Origin: https://evil.example\r\n");
    CHECK(stolen.status() == 403);
    client.send_text(ask(2));
    CHECK(client.receive() == echoed(2));
    client.reset();
    auto [back, now] = server.resume(session, 2);
    CHECK(now.resumed);
}

TEST_CASE("a page that loads anew and can resume gets a session of its own, and its old one ends") {
    Server server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    auto again = browser.open("tab", "&resume=1");
    CHECK(server.watch->signal.wait([&] { return server.watch->left_count == 1; }));
    CHECK(stream.ends());
}

TEST_CASE(
    "pitfall 18: a session that moves to server-sent events is pinged as they are, and its ids go "
    "on") {
    Server server;
    auto [client, session] = server.member_that_resumes();
    client.send_text(ask(2));
    REQUIRE(client.receive() == echoed(2));
    client.reset();
    SseBrowser browser(server.port());
    auto stream = browser.open("tab", "&session=" + session.token + "&received=1");
    CHECK(event(stream) == std::pair(2UL, echoed(2)));
    REQUIRE(browser.say(ask(3)).status == 200); // it has got a cookie
    CHECK(event(stream) == std::pair(3UL, echoed(3)));
    CHECK(server.watch->left_count == 0);
}
