// Phoenix clients over real sockets: the handshake, refusals, frames, time-outs and close codes.
#include "../support/catch.hpp"
#include "support/phoenix_client.hpp"
#include "support/test_server.hpp"

#include <chain/serializers/phoenix.hpp>

#include <atomic>
#include <mutex>

using namespace std::chrono_literals;
using namespace std::string_literals;
using chain::Json, chain::Payload, chain::Reply, chain::Socket;
using test::PhoenixClient, test::RawClient, test::TestServer;

namespace {

const std::string path = "/socket/websocket";
const std::string vsn2 = "?vsn=2.0.0";

test::HttpReply upgrade(std::uint16_t port, const std::string& query,
                        const std::string& headers = {}) {
    return RawClient(port).upgrade(path + query, headers);
}

/// `room:*`, with events for bytes.
chain::Channel byte_room() {
    auto room = test::room_channel();
    room.on("push", [](Socket& socket, const Payload& payload) { socket.push("pushed", payload); });
    room.on("bytes", [](Socket&) { return Reply::ok(Payload::from_bytes("\1\2\3\4")); });
    room.on("what", [](Socket&, const Payload& payload) {
        return Reply::ok({{"binary", payload.is_binary()}, {"json", payload.json()}});
    });
    return room;
}

} // namespace

TEST_CASE("phoenix 1: without vsn, a socket whose default is version 1 speaks it") {
    chain::HandlerConfig config;
    config.serializer = chain::phoenix_v1();
    TestServer server(byte_room(), config);
    server.start();
    PhoenixClient client(server.port(), "");
    CHECK(client.ask(R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})") ==
          R"({"topic":"room:a","event":"phx_reply","payload":{"status":"ok","response":{}},)"
          R"("ref":"1"})");
    PhoenixClient second(server.port());
    CHECK(second.ask(R"(["1","1","room:a","phx_join",{}])") ==
          R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])");
}

TEST_CASE("phoenix 3: a version that is not served is answered 403 with an empty body") {
    TestServer server(byte_room());
    server.start();
    for (const std::string query : {"?vsn=1.1.0", "?vsn=2.1.0", "?vsn=3.0.0", "?vsn=2", "?vsn=2.0",
                                    "?vsn=abc", "?vsn=2.0.0-rc.1", "?vsn[]=2.0.0", "?vsn="}) {
        INFO(query);
        const auto reply = upgrade(server.port(), query);
        CHECK(reply.status == 403);
        CHECK(reply.body.empty());
    }
}

TEST_CASE("phoenix 4: patch versions are let in") {
    TestServer server(byte_room());
    server.start();
    CHECK(upgrade(server.port(), "?vsn=1.0.5").status == 101);
    CHECK(upgrade(server.port(), "?vsn=2.0.9").status == 101);
}

TEST_CASE("phoenix 6: what is no frame closes the connection, not with 1000") {
    TestServer server(byte_room());
    server.start();
    const auto code = [&](const std::string& query, const std::string& text) {
        PhoenixClient client(server.port(), query);
        client.send(text);
        return client.raw().close_code();
    };
    CHECK(code(vsn2, R"(["1","2","room:a"])") == 1008);
    CHECK(code(vsn2, "nonsense") == 1007);
    CHECK(code(vsn2, "") == 1007);
    CHECK(code("?vsn=1.0.0", R"({"topic":"t","event":"e","payload":{}})") == 1008);
}

TEST_CASE("phoenix 8: bytes from a client, with references in binary and in text") {
    TestServer server(byte_room());
    server.start();
    PhoenixClient client(server.port());
    client.join("room:a");
    client.send_binary("\0\1\1\6\4"
                       "12room:awhat\1\2\3"s);
    CHECK(client.receive() == R"(["1","2","room:a","phx_reply",{"status":"ok","response":)"
                              R"({"binary":true,"json":{"$binary":"AQID"}}}])");
}

TEST_CASE("phoenix 8: a binary push without join_ref is for the membership there is") {
    TestServer server(byte_room());
    server.start();
    PhoenixClient client(server.port());
    client.join("room:a");
    client.send_binary("\0\0\1\6\4"
                       "9room:aecho!"s);
    CHECK(client.receive_binary() == "\1\1\1\6\2"
                                     "19room:aok!"s);
    client.send_binary("\0\1\1\6\4"
                       "79room:aechostale"s);
    client.send_binary("\0\1\1\6\4"
                       "18room:aecho?"s);
    CHECK(client.receive_binary() == "\1\1\1\6\2"
                                     "18room:aok?"s);
}

TEST_CASE("phoenix 9: push, reply and broadcast of bytes are binary frames") {
    TestServer server(byte_room());
    server.start();
    PhoenixClient client(server.port());
    client.join("room:a");
    client.send(R"(["1","2","room:a","bytes",{}])");
    CHECK(client.receive_binary() == "\1\1\1\6\2"
                                     "12room:aok\1\2\3\4"s);
    client.send_binary("\0\1\1\6\4"
                       "13room:apushefg"s);
    CHECK(client.receive_binary() == "\0\1\6\6"
                                     "1room:apushedefg"s);
    client.send_binary("\0\1\1\6\3"
                       "14room:asayefg"s);
    CHECK(client.receive_binary() == "\2\6\3room:asayefg"s);
}

TEST_CASE("phoenix 9: bytes stay binary frames where compression was agreed on") {
    chain::HandlerConfig config;
    config.compression = {.enabled = true, .threshold = 100'000};
    TestServer server(byte_room(), config);
    server.start();
    RawClient client(server.port());
    REQUIRE(
        client.upgrade(path + vsn2, "Sec-WebSocket-Extensions: permessage-deflate\r\n").status ==
        101);
    client.send_text(R"(["1","1","room:a","phx_join",{}])");
    client.receive();
    client.send_text(R"(["1","2","room:a","bytes",{}])");
    CHECK(client.read_frame().value().first == 0x82);
}

TEST_CASE("phoenix 12: a binary frame that is none closes the connection, not with 1000") {
    TestServer server(byte_room());
    server.start();
    for (const auto& bytes : {""s, "\1\1\1\1\1ooo"s, "\0\1\1\6"s,
                              "\0\1\1\6\4"
                              "12roo"s}) {
        PhoenixClient client(server.port());
        client.send_binary(bytes);
        CHECK(client.raw().close_code() == 1008);
    }
    PhoenixClient v1(server.port(), "?vsn=1.0.0");
    v1.send_binary("x");
    CHECK(v1.raw().close_code() == 1003);
}

TEST_CASE("phoenix 20: a client that falls silent is closed, not with 1000") {
    chain::HandlerConfig config;
    config.timeouts.idle = 200ms;
    TestServer server(byte_room(), config);
    server.start();
    PhoenixClient client(server.port());
    CHECK(client.ask(R"([null,"1","phoenix","heartbeat",{}])") ==
          R"([null,"1","phoenix","phx_reply",{"status":"ok","response":{}}])");
    CHECK(client.raw().close_code() == 1001);
}

TEST_CASE("phoenix 21: pings alone keep a connection open, and are answered with their payload") {
    chain::HandlerConfig config;
    config.timeouts.idle = 1500ms;
    TestServer server(byte_room(), config);
    server.start();
    PhoenixClient client(server.port());
    const auto until = std::chrono::steady_clock::now() + 2500ms;
    int pings = 0;
    while (std::chrono::steady_clock::now() < until) {
        const auto payload = "ping " + std::to_string(++pings);
        REQUIRE(client.raw().send(test::ws_frame(0x89, payload)));
        auto frame = client.raw().read_frame();
        while (frame && frame->is_ping()) frame = client.raw().read_frame();
        REQUIRE(frame);
        REQUIRE(frame->is_pong());
        REQUIRE(frame->payload == payload);
    }
    CHECK_FALSE(client.ask(R"([null,"1","phoenix","heartbeat",{}])").empty());
}

TEST_CASE("phoenix 22: all sessions of a name are closed with 1001, and their channels end") {
    std::atomic<int> left{0};
    auto channel = byte_room();
    channel.on_leave([&](Socket&, chain::LeaveReason why) {
        if (why == chain::LeaveReason::close) ++left;
    });
    TestServer server(channel, {}, {.port = 0, .threads = 2});
    server.handler.on_connect([](chain::Session& session, const chain::Request& request) {
        session.name("user:" + std::string(request.param("user").value_or("")));
    });
    server.start();
    PhoenixClient first(server.port(), "?vsn=2.0.0&user=1");
    PhoenixClient second(server.port(), "?vsn=1.0.0&user=1");
    PhoenixClient other(server.port(), "?vsn=2.0.0&user=2");
    first.join("room:a");
    other.join("room:a");
    server.handler.disconnect("user:3");
    server.handler.disconnect("user:1");
    CHECK(first.raw().close_code() == 1001);
    CHECK(second.raw().close_code() == 1001);
    CHECK(server.watch->signal.wait([&] { return server.watch->closed == 2; }));
    CHECK(left == 1);
    CHECK(other.ask(R"(["1","2","room:a","echo",{}])") ==
          R"(["1","2","room:a","phx_reply",{"status":"ok","response":{}}])");
    server.handler.disconnect("user:2");
    CHECK(other.raw().close_code() == 1001);
}

TEST_CASE("phoenix 23: a refusal is 403 without a body, or what the connect handler says") {
    TestServer server(byte_room());
    server.handler.on_connect([](chain::Session&,
                                 const chain::Request& request) -> std::optional<chain::Refusal> {
        const auto wish = request.param("wish").value_or("");
        if (wish == "reason") return chain::Refusal{429, "slow down"};
        if (wish == "body")
            return chain::Refusal{.status = 429,
                                  .body = "<p>later</p>",
                                  .headers = {{"Content-Type", "text/html"}, {"Retry-After", "7"}}};
        if (wish == "text") return chain::Refusal{.status = 401, .body = "who?"};
        return chain::Refusal{};
    });
    server.start();
    const auto plain = upgrade(server.port(), vsn2);
    CHECK(plain.status == 403);
    CHECK(plain.body.empty());
    CHECK(upgrade(server.port(), "").body == R"({"reason":"refused"})");
    const auto reason = upgrade(server.port(), vsn2 + "&wish=reason");
    CHECK(reason.status == 429);
    CHECK(reason.body == R"({"reason":"slow down"})");
    const auto body = upgrade(server.port(), vsn2 + "&wish=body");
    CHECK(body.status == 429);
    CHECK(body.body == "<p>later</p>");
    CHECK(body.header("content-type") == "text/html");
    CHECK(body.header("retry-after") == "7");
    const auto text = upgrade(server.port(), "?wish=text");
    CHECK(text.status == 401);
    CHECK(text.body == "who?");
    CHECK(text.header("content-type") == "text/plain; charset=utf-8");
}

TEST_CASE("phoenix 24: the same channels at two paths are usable at both") {
    chain::Handler one({.endpoint = "/one"});
    chain::Handler two({.endpoint = "/two/deep"});
    const auto room = byte_room();
    one.add(room);
    two.add(room);
    chain::Server server({.port = 0, .threads = 1});
    server.mount(one).mount(two).listen().start();
    for (const std::string endpoint : {"/one", "/two/deep"}) {
        RawClient client(server.port());
        REQUIRE(client.upgrade(endpoint + "/websocket?vsn=2.0.0").status == 101);
        client.send_text(R"(["1","1","room:a","phx_join",{}])");
        CHECK(client.receive() ==
              R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])");
    }
}

TEST_CASE("phoenix 25: variables of the path are parameters, ahead of those of the query") {
    std::mutex mutex;
    Json params;
    chain::Handler handler({.endpoint = "/chat/:room/socket/:user"});
    handler.add(byte_room());
    handler.on_connect([&](chain::Session& session, const chain::Request&) {
        const std::lock_guard lock(mutex);
        params = session.params();
    });
    chain::Server server({.port = 0, .threads = 1});
    server.mount(handler).listen().start();
    const auto status = [&](const std::string& target) {
        return RawClient(server.port()).upgrade(target).status;
    };
    CHECK(status("/chat/big%20one/socket/ann/websocket?vsn=2.0.0&user=bob&more=1") == 101);
    {
        const std::lock_guard lock(mutex);
        CHECK(params ==
              Json{{"vsn", "2.0.0"}, {"room", "big one"}, {"user", "ann"}, {"more", "1"}});
    }
    CHECK(status("/chat//socket/ann/websocket") == 404);
    CHECK(status("/chat/a/socket/websocket") == 404);
    CHECK(status("/chat/a/other/ann/websocket") == 404);
    CHECK(RawClient(server.port()).get("/chat/a/socket/b/chain.js").status == 200);
    for (const std::string endpoint : {"/a/:", "/:/a", "/:"})
        CHECK_THROWS_AS(chain::Handler({.endpoint = endpoint}), std::invalid_argument);
}

TEST_CASE("phoenix 26: pages of other origins are refused, without a body") {
    chain::HandlerConfig config;
    config.allowed_origins = {"https://app.example.com"};
    TestServer server(byte_room(), config);
    server.start();
    const auto evil = upgrade(server.port(), vsn2, "Origin: https://evil.example.com\r\n");
    CHECK(evil.status == 403);
    CHECK(evil.body.empty());
    CHECK(upgrade(server.port(), vsn2, "Origin: https://app.example.com\r\n").status == 101);
    CHECK(upgrade(server.port(), vsn2).status == 101);
    CHECK(upgrade(server.port(), vsn2, "Origin: null\r\n").status == 403);
}

TEST_CASE("phoenix 28: two mounts of the same channels each keep their own origins") {
    const auto room = byte_room();
    chain::HandlerConfig first{.endpoint = "/one"};
    first.allowed_origins = {"//*.one.com"};
    chain::HandlerConfig second{.endpoint = "/two"};
    second.allowed_origins = {"//two.com"};
    chain::Handler one(first);
    chain::Handler two(second);
    one.add(room);
    two.add(room);
    chain::Server server({.port = 0, .threads = 1});
    server.mount(one).mount(two).listen().start();
    const auto status = [&](const std::string& endpoint, const std::string& origin) {
        return RawClient(server.port())
            .upgrade(endpoint + "/websocket?vsn=2.0.0", "Origin: https://" + origin + "\r\n")
            .status;
    };
    CHECK(status("/one", "a.one.com") == 101);
    CHECK(status("/one", "two.com") == 403);
    CHECK(status("/two", "two.com") == 101);
    CHECK(status("/two", "a.one.com") == 403);
}

TEST_CASE("an origin function that throws refuses the page, and is told") {
    chain::HandlerConfig config;
    config.allow_origin = [](const chain::PageOrigin&, const chain::Request&) -> bool {
        throw std::runtime_error("on purpose");
    };
    TestServer server(byte_room(), config);
    server.start();
    CHECK(upgrade(server.port(), "", "Origin: https://other.com\r\n").status == 403);
    CHECK(server.watch->thrown() == std::vector<std::string>{"on purpose"});
}

TEST_CASE("an origin function sees the variables of the path, which no query can replace") {
    chain::HandlerConfig config{.endpoint = "/t/:tenant"};
    config.allow_origin = [](const chain::PageOrigin& origin, const chain::Request& request) {
        return origin.host == std::string(request.param("tenant").value_or("")) + ".test";
    };
    chain::Handler handler(config);
    handler.add(byte_room());
    chain::Server server({.port = 0, .threads = 1});
    server.mount(handler).listen().start();
    const auto status = [&](const std::string& target) {
        return RawClient(server.port()).upgrade(target, "Origin: https://evil.test\r\n").status;
    };
    CHECK(status("/t/good/websocket") == 403);
    CHECK(status("/t/good/websocket?tenant=evil") == 403);
    CHECK(status("/t/evil/websocket") == 101);
}

TEST_CASE("phoenix 29: subprotocols are agreed to, and unknown ones refused") {
    chain::HandlerConfig config;
    config.subprotocols = {"sip"};
    TestServer server(byte_room(), config);
    server.start();
    const auto offer = [&](const std::string& names) {
        return upgrade(server.port(), vsn2, "Sec-WebSocket-Protocol: " + names + "\r\n");
    };
    CHECK(offer("mqtt").status == 403);
    const auto agreed = offer("mqtt, sip");
    CHECK(agreed.status == 101);
    CHECK(agreed.header("sec-websocket-protocol") == "sip");
    const auto none = upgrade(server.port(), vsn2);
    CHECK(none.status == 101);
    CHECK(none.header("sec-websocket-protocol").empty());
}

TEST_CASE("phoenix 30: the token in the subprotocols reaches the connect handler") {
    TestServer server(byte_room());
    std::mutex mutex;
    std::optional<std::string> token;
    server.handler.on_connect([&](chain::Session&, const chain::Request& request) {
        const std::lock_guard lock(mutex);
        token = request.auth_token;
    });
    server.start();
    const auto offer = [&](const std::string& names) {
        return upgrade(server.port(), vsn2, "Sec-WebSocket-Protocol: " + names + "\r\n");
    };
    const auto reply = offer("phoenix, base64url.bearer.phx.+/+/YQ");
    CHECK(reply.status == 101);
    CHECK(reply.header("sec-websocket-protocol") == "phoenix");
    {
        const std::lock_guard lock(mutex);
        CHECK(token == "\xFB\xFF\xBF"
                       "a");
    }
    CHECK(offer("phoenix, base64url.bearer.phx.-_-_YQ==").status == 101);
    CHECK(offer("phoenix, base64url.bearer.phx.garbage!").status == 400);
    CHECK(offer("base64url.bearer.phx.YQ").header("sec-websocket-protocol").empty());
}

TEST_CASE("phoenix 30: a client that polls sends its token in a header") {
    TestServer server(byte_room());
    std::mutex mutex;
    std::optional<std::string> token;
    server.handler.on_connect([&](chain::Session&, const chain::Request& request) {
        const std::lock_guard lock(mutex);
        token = request.auth_token;
    });
    server.start();
    const auto reply = RawClient(server.port())
                           .get("/socket/longpoll?vsn=2.0.0", "X-Phoenix-AuthToken: secret\r\n");
    CHECK(reply.status == 200);
    const std::lock_guard lock(mutex);
    CHECK(token == "secret");
}

TEST_CASE("phoenix 31: what is no handshake is answered 400") {
    TestServer server(byte_room());
    server.start();
    const auto plain = RawClient(server.port()).get(path + vsn2);
    CHECK(plain.status == 400);
    CHECK_FALSE(plain.body.empty());
    const auto post = RawClient(server.port())
                          .request("POST " + path + vsn2 +
                                   " HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
    CHECK(post.status == 400);
}

TEST_CASE("phoenix 32: the connect handler sees headers, peer and target") {
    TestServer server(byte_room());
    std::mutex mutex;
    Json seen;
    server.handler.on_connect([&](chain::Session&, const chain::Request& request) {
        const std::lock_guard lock(mutex);
        for (const auto* name :
             {"X-Forwarded-For", "User-Agent", "Traceparent", "Sec-WebSocket-Extensions", "Cookie"})
            seen[name] = std::string(request.header(name).value_or("?"));
        seen["peer"] = request.peer_address;
        seen["port"] = request.peer_port != 0;
        seen["target"] = request.target;
        seen["params"] = request.params();
    });
    server.start();
    REQUIRE(upgrade(server.port(), vsn2 + "&user%5Bname%5D=a+b",
                    "X-Forwarded-For: 1.2.3.4\r\nUser-Agent: me\r\nTraceparent: 00-1\r\n"
                    "Sec-WebSocket-Extensions: x\r\nCookie: a=b\r\n")
                .status == 101);
    const std::lock_guard lock(mutex);
    CHECK(seen["X-Forwarded-For"] == "1.2.3.4");
    CHECK(seen["User-Agent"] == "me");
    CHECK(seen["Traceparent"] == "00-1");
    CHECK(seen["Sec-WebSocket-Extensions"] == "x");
    CHECK(seen["Cookie"] == "a=b");
    CHECK(seen["peer"] == "127.0.0.1");
    CHECK(seen["port"] == true);
    CHECK(seen["target"] == "/socket/websocket?vsn=2.0.0&user%5Bname%5D=a+b");
    CHECK(seen["params"] == Json{{"vsn", "2.0.0"}, {"user", {{"name", "a b"}}}});
}

TEST_CASE("a server that stops closes Phoenix clients with 1012, so that they come back") {
    TestServer server(byte_room());
    server.start();
    PhoenixClient client(server.port());
    client.join("room:a");
    server.stop();
    CHECK(client.raw().close_code() == 1012);
}
