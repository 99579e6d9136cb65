// Server-sent events: the stream, POSTs, cookies, CORS, and which stream a session has.
#include "../support/catch.hpp"
#include "../support/rounds.hpp"
#include "support/room_frames.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"

#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <atomic>
#include <memory>
#include <thread>

using namespace std::chrono_literals;
using chain::Json, chain::Reply, chain::Request, chain::Session, chain::Socket;
using test::RawClient, test::SseBrowser, test::SseStream, test::TestServer, test::join,
    test::joined, test::said, test::say;

namespace {

/// A server whose handler has an SSE transport with these settings.
struct SseServer : TestServer {
    explicit SseServer(chain::SseConfig sse = {}, chain::HandlerConfig config = {},
                       chain::Channel channel = test::room_channel(), unsigned threads = 1)
        : TestServer(std::move(channel), std::move(config), {.port = 0, .threads = threads}) {
        handler.add(std::make_shared<chain::SseTransport>(std::move(sse)))
            .add(std::make_shared<chain::WebSocketTransport>());
        start();
    }
    /// Waits until the handler has so many sessions ended.
    bool closed(std::size_t count) {
        return watch->signal.wait([&] { return watch->closed == count; });
    }
};

chain::HandlerConfig window(std::chrono::milliseconds time) {
    chain::HandlerConfig config;
    config.timeouts.resume_window = time;
    return config;
}

chain::CorsConfig cors() {
    chain::CorsConfig config;
    config.allow_origins = {"https://app.example"};
    config.expose_headers = {"X-One", "X-Two"};
    config.allow_origin = [](std::string_view origin) { return origin.ends_with(".friend.test"); };
    return config;
}

const std::string from_app = "Origin: https://app.example\r\n";
const std::string from_evil = "Origin: https://evil.example\r\n";

} // namespace

// ------------------------------------------------------------------------------------- the stream

TEST_CASE("the stream's head is what the protocol says, and comes at once") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.open();
    CHECK(stream.status() == 200);
    CHECK(stream.header("Content-Type") == "text/event-stream; charset=utf-8");
    CHECK(stream.header("Cache-Control") ==
          "private, no-cache, no-store, must-revalidate, max-age=0");
    CHECK(stream.header("X-Accel-Buffering") == "no");
    CHECK(stream.header("Connection") == "close");
    CHECK(stream.header("Transfer-Encoding").empty());
    CHECK(stream.header("Content-Length").empty());
    CHECK(stream.header("Access-Control-Allow-Origin").empty());
    CHECK(stream.block() == "retry: 3000");
}

TEST_CASE("each frame is an event with an id of the session's epoch, and one line of data") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.open();
    REQUIRE(browser.say(join).status == 200);
    CHECK(stream.block() == "retry: 3000");
    const auto first = stream.block();
    REQUIRE(first);
    const auto epoch = first->substr(4, first->find("-1\n") - 4);
    CHECK(*first == "id: " + epoch + "-1\ndata: " + joined);
    REQUIRE(browser.say("[0,1,2,\"room:a\",\"say\",{\n\"text\" : \"\\n\"\n}]").status == 200);
    CHECK(stream.block() == "id: " + epoch + "-2\ndata: " + said(R"({"text":"\n"})"));
    REQUIRE(browser.say(R"([0,1,3,"room:a","echo","x"])").status == 200);
    CHECK(stream.block() == "id: " + epoch + R"(-3)" + "\ndata: " + R"([1,1,3,0,"x"])");
    CHECK(epoch.size() >= 8);
    CHECK(epoch != browser.cookie());
}

TEST_CASE("a comment goes out when there was no traffic for a while") {
    SseServer server({.retry = 1s, .keep_alive = 100ms});
    SseBrowser browser(server.port());
    auto stream = browser.open();
    CHECK(stream.block() == "retry: 1000");
    CHECK(stream.block() == ": keep-alive");
    CHECK(stream.block() == ": keep-alive");
    REQUIRE(browser.say(join).status == 200);
    CHECK(stream.receive() == joined);
    CHECK(stream.block() == ": keep-alive");
}

TEST_CASE("the heartbeat is answered over the stream, without an id") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.open();
    REQUIRE(browser.say(R"([0,0,7,"_chain","_heartbeat",null])").status == 200);
    CHECK(stream.block() == "retry: 3000");
    const auto answer = stream.block();
    REQUIRE(answer);
    CHECK(answer->ends_with("data: [1,0,7,0,null]"));
}

TEST_CASE("sid is 'sid' when it is missing, and a wrong one is refused") {
    SseServer server;
    RawClient client(server.port());
    CHECK(client.get("/socket/sse?sid=a.b").status == 400);
    CHECK(client.get("/socket/sse?sid=").status == 400);
    CHECK(client.get("/socket/sse?sid=" + std::string(65, 'a')).status == 400);
    SseStream stream(server.port(), "GET /socket/sse HTTP/1.1\r\nHost: test\r\n\r\n");
    CHECK(stream.status() == 200);
    CHECK(stream.header("Set-Cookie").starts_with("chain.sid="));
    SseBrowser browser(server.port());
    CHECK(browser.open(std::string(64, 'Z')).status() == 200);
}

TEST_CASE("other methods are answered 405 with those that there are") {
    SseServer server;
    const auto reply = RawClient(server.port())
                           .request("PUT /socket/sse?sid=a HTTP/1.1\r\nHost: test\r\n"
                                    "Content-Length: 0\r\n\r\n");
    CHECK(reply.status == 405);
    CHECK(reply.header("allow") == "GET, POST, OPTIONS");
}

TEST_CASE("the connect handler sees the query, and its refusal is the stream's status") {
    SseServer server;
    server.handler.on_connect(
        [](Session& session, const Request& request) -> std::optional<chain::Refusal> {
            if (request.param("token") != "good") return chain::Refusal{401, "who are you"};
            session.set("seen", true);
            return std::nullopt;
        });
    const auto refused = RawClient(server.port()).get("/socket/sse?sid=a&token=bad");
    CHECK(refused.status == 401);
    CHECK(refused.body == R"({"reason":"who are you"})");
    CHECK(refused.header("set-cookie").empty());
    CHECK(server.handler.sessions() == 0);
    SseBrowser browser(server.port());
    CHECK(browser.open("a", "&token=good").status() == 200);
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a client that goes during the connect handler leaves no session") {
    SseServer server({}, window(1ms));
    {
        RawClient client(server.port());
        client.send("GET /socket/sse?sid=a HTTP/1.1\r\nHost: test\r\n\r\n");
        client.reset();
    }
    SseBrowser browser(server.port());
    auto stream = browser.open();
    REQUIRE(server.watch->signal.wait(
        [&] { return server.watch->opened - server.watch->closed == 1; }));
    CHECK(server.handler.sessions() == 1);
}

// --------------------------------------------------------------------------------------- POSTs

TEST_CASE("a POST brings one frame or an array of frames, in order") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.open();
    const auto one = browser.say(join);
    CHECK(one.status == 200);
    CHECK(one.header("content-type") == "application/json");
    CHECK(one.header("connection") != "close");
    CHECK(stream.receive() == joined);
    CHECK(browser.say(" [ " + say("1") + ", " + say("2") + " ] ").status == 200);
    CHECK(browser.say("[" + say("3") + "]").status == 200);
    CHECK(stream.receive() == said("1"));
    CHECK(stream.receive() == said("2"));
    CHECK(stream.receive() == said("3"));
}

TEST_CASE("pitfall 13: POSTs that follow each other on a connection are handled in order") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    RawClient poster(server.port());
    std::string all;
    for (int i = 0; i < 200; ++i) all += browser.post("tab", say(std::to_string(i)));
    poster.send(all);
    for (int i = 0; i < 200; ++i) REQUIRE(stream.receive() == said(std::to_string(i)));
    for (int i = 0; i < 200; ++i) REQUIRE(poster.read_http().status == 200);
}

TEST_CASE("a body that is wrong is answered 400 as a whole, and the session lives on") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    const std::string wrong[] = {"",
                                 "x",
                                 "{}",
                                 "[]",
                                 "[[]]",
                                 "[9,1,1,\"room:a\",\"say\",1]",
                                 "[1,1,1,0,{}]",
                                 "[2,\"room:a\",\"say\",1]",
                                 "[0,-1,1,\"room:a\",\"say\",1]",
                                 "[0,1,1,\"room:a\",\"say\",\"\xff\"]",
                                 "[" + say("1") + ",",
                                 "[" + say("1") + "]]",
                                 "[" + say("1") + ",[9]]",
                                 "[" + say("1") + ",{}]"};
    std::size_t refused = 0;
    for (const auto& body : wrong) {
        INFO(body);
        const auto reply = browser.say(body);
        CHECK(reply.status == 400);
        CHECK(Json::parse(reply.body).at("reason").is_string());
        CHECK(server.watch->bad_frames == ++refused);
    }
    CHECK(server.watch->limits().empty());
    REQUIRE(browser.say(say("\"good\"")).status == 200);
    CHECK(stream.receive() == said("\"good\""));
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a body has at most so many frames") {
    SseServer server({.frames_per_post = 3});
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    const auto one = say("1");
    CHECK(browser.say("[" + one + "," + one + "," + one + "," + one + "]").status == 400);
    CHECK(server.watch->limits() == std::vector<std::string>{"frames_per_post"});
    CHECK(server.watch->bad_frames == 0);
    CHECK(browser.say("[" + one + "," + one + "," + one + "]").status == 200);
    for (int i = 0; i < 3; ++i) CHECK(stream.receive() == said("1"));
    REQUIRE(browser.say(say("2")).status == 200);
    CHECK(stream.receive() == said("2"));
}

TEST_CASE("pitfall 9: a body over the limit is answered 413, with CORS headers") {
    SseServer server({.cors = cors()});
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    const auto long_frame = say('"' + std::string(70'000, 'x') + '"');
    const auto plain = browser.say(long_frame);
    CHECK(plain.status == 413);
    CHECK(plain.header("access-control-allow-origin").empty());
    const auto page = browser.say(long_frame, "tab", from_app);
    CHECK(page.status == 413);
    CHECK(page.header("access-control-allow-origin") == "https://app.example");
    CHECK(page.header("access-control-allow-credentials") == "true");
    const auto foreign = browser.say(long_frame, "tab", from_evil);
    CHECK(foreign.status == 413);
    CHECK(foreign.header("access-control-allow-origin").empty());
    CHECK(server.watch->limits() == std::vector<std::string>(3, "body_bytes"));
    REQUIRE(browser.say(say("1")).status == 200);
    CHECK(stream.receive() == said("1"));
}

TEST_CASE("a refused body counts once, whether the handler's limit refuses it or the server's") {
    chain::HandlerConfig config;
    config.limits.body_bytes = 1000;
    SseServer server({}, config);
    SseBrowser browser(server.port());
    CHECK(browser.say(std::string(1001, ' ')).status == 413);
    CHECK(server.watch->limits() == std::vector<std::string>{"body_bytes"});
    CHECK(browser.say(std::string(70'000, ' ')).status == 413);
    CHECK(server.watch->limits() == std::vector<std::string>(2, "body_bytes"));
}

TEST_CASE("a posted frame over the limit of messages is answered 413, and none of its body taken") {
    chain::HandlerConfig config;
    config.limits.message_bytes = 100;
    SseServer server({}, config);
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    const auto exact = say('"' + std::string(100 - say("\"\"").size(), 'x') + '"');
    const auto longer = say('"' + std::string(101 - say("\"\"").size(), 'x') + '"');
    const auto reply = browser.say("[" + say("1") + "," + longer + "]");
    CHECK(reply.status == 413);
    CHECK(reply.body == R"({"reason":"too long"})");
    CHECK(server.watch->limits() == std::vector<std::string>{"message_bytes"});
    REQUIRE(browser.say(exact).status == 200);
    CHECK(stream.receive().size() > 64);
    CHECK(server.watch->bad_frames == 0);
}

TEST_CASE("a POST without its cookie, or with another tab's, is answered 410") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    auto other = browser.open("other");
    SseBrowser stranger(server.port());
    CHECK(stranger.say(say("1")).status == 410);
    stranger.cookies() = {{"chain.tab", std::string(32, '0')}};
    CHECK(stranger.say(say("1")).status == 410);
    stranger.cookies() = {{"chain.tab", browser.cookie("other")}};
    CHECK(stranger.say(say("1")).status == 410);
    stranger.cookies() = {{"chain.other", browser.cookie("tab")}};
    CHECK(stranger.say(say("1")).status == 410);
    CHECK(browser.say(say("1"), "never").status == 410);
    REQUIRE(browser.say(say("2")).status == 200);
    CHECK(stream.receive() == said("2"));
}

TEST_CASE("pitfall 10: a body is JSON, or plain text from an allowed page") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    CHECK(browser.say(say("1"), "tab", {}, "application/x-www-form-urlencoded").status == 415);
    CHECK(browser.say(say("1"), "tab", {}, "").status == 415);
    CHECK(browser.say(say("1"), "tab", from_evil, "text/plain").status == 403);
    CHECK(browser.say(say("1"), "tab", "Origin: null\r\n").status == 403);
    CHECK(browser.say(say("2"), "tab", {}, "Application/JSON; charset=utf-8").status == 200);
    CHECK(browser.say(say("3"), "tab", "Origin: http://test\r\n", "text/plain;charset=UTF-8")
              .status == 200);
    CHECK(stream.receive() == said("2"));
    CHECK(stream.receive() == said("3"));
}

// ---------------------------------------------------------------------------------------- CORS

TEST_CASE("pitfall 10: without settings only pages of the endpoint's own origin get in") {
    SseServer server;
    SseBrowser browser(server.port());
    for (const std::string origin : {"https://evil.example", "null", "http://test:81"}) {
        INFO(origin);
        CHECK(browser.open("a", "", "Origin: " + origin + "\r\n").status() == 403);
    }
    auto stream = browser.open("a", "", "Origin: http://test\r\n");
    CHECK(stream.status() == 200);
    CHECK(stream.header("Access-Control-Allow-Origin") == "http://test");
    CHECK(server.handler.sessions() == 1);
    const auto preflight = RawClient(server.port())
                               .request("OPTIONS /socket/sse HTTP/1.1\r\nHost: test\r\n" +
                                        from_evil + "Access-Control-Request-Method: POST\r\n\r\n");
    CHECK(preflight.status == 403);
    CHECK(preflight.header("access-control-allow-origin").empty());
}

TEST_CASE("pages of allowed origins get exact CORS headers, on errors too") {
    SseServer server({.cors = cors()});
    SseBrowser browser(server.port());
    auto stream = browser.open("a", "", from_app);
    CHECK(stream.status() == 200);
    CHECK(stream.header("Access-Control-Allow-Origin") == "https://app.example");
    CHECK(stream.header("Access-Control-Allow-Credentials") == "true");
    CHECK(stream.header("Vary") == "Origin");
    CHECK(stream.header("Access-Control-Expose-Headers") == "X-One, X-Two");
    CHECK(browser.open("b", "", "Origin: https://x.friend.test\r\n").status() == 200);
    CHECK(browser.open("c", "", from_evil).status() == 403);
    CHECK(browser.open("c", "", "Origin: null\r\n").status() == 403);

    for (const auto& [body, type, sid, status] :
         std::vector<std::tuple<std::string, std::string, std::string, int>>{
             {"x", "application/json", "a", 400},
             {join, "application/json", "none", 410},
             {join, "text/html", "a", 415},
             {join, "application/json", "a", 200}}) {
        const auto reply = browser.say(body, sid, from_app, type);
        CHECK(reply.status == status);
        CHECK(reply.header("access-control-allow-origin") == "https://app.example");
    }
}

TEST_CASE("a preflight is answered with what is allowed") {
    auto config = cors();
    config.allow_private_network = true;
    SseServer server({.cors = config});
    const auto ask = [&](const std::string& headers) {
        return RawClient(server.port())
            .request("OPTIONS /socket/sse?sid=a HTTP/1.1\r\nHost: test\r\n" + headers +
                     "Access-Control-Request-Method: POST\r\n"
                     "Access-Control-Request-Headers: content-type\r\n\r\n");
    };
    const auto plain = ask(from_app);
    CHECK(plain.status == 204);
    CHECK(plain.header("access-control-allow-origin") == "https://app.example");
    CHECK(plain.header("access-control-allow-credentials") == "true");
    CHECK(plain.header("access-control-allow-methods") == "GET, POST");
    CHECK(plain.header("access-control-allow-headers").find("Content-Type") != std::string::npos);
    CHECK(plain.header("access-control-max-age") == "3600");
    CHECK(plain.header("access-control-allow-private-network").empty());
    CHECK(ask(from_app + "Access-Control-Request-Private-Network: true\r\n")
              .header("access-control-allow-private-network") == "true");
    CHECK(ask(from_evil).status == 403);
}

TEST_CASE("pitfall 10: who lets every origin in does not let cookies in") {
    chain::CorsConfig config;
    config.allow_origins = {"*"};
    SseServer server({.cors = config});
    SseBrowser browser(server.port());
    auto stream = browser.open("a", "", from_evil);
    CHECK(stream.status() == 200);
    CHECK(stream.header("Access-Control-Allow-Origin") == "*");
    CHECK(stream.header("Access-Control-Allow-Credentials").empty());
}

TEST_CASE("an origin function of a transport that throws refuses the page, and is told") {
    chain::CorsConfig config;
    config.allow_origin = [](std::string_view) -> bool { throw std::runtime_error("on purpose"); };
    SseServer server({.cors = config});
    server.handler.add(
        std::make_shared<chain::LongPollTransport>(chain::LongPollConfig{.cors = config}));
    SseBrowser browser(server.port());
    CHECK(browser.open("a", "", from_evil).status() == 403);
    const auto poll = RawClient(server.port()).get("/socket/longpoll", from_evil);
    CHECK(Json::parse(poll.body).at("status") == 403);
    CHECK(server.watch->thrown() == std::vector<std::string>{"on purpose", "on purpose"});
    CHECK(browser.open().status() == 200);
}

// ------------------------------------------------------------------------------------- cookies

TEST_CASE("a tab's cookie has a secret value and narrow attributes") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.open("a");
    const auto cookie = stream.header("Set-Cookie");
    CHECK(cookie ==
          "chain.a=" + browser.cookie("a") + "; Path=/socket/sse; HttpOnly; SameSite=Lax");
    CHECK(browser.cookie("a").size() >= 32);
    auto other = browser.open("b");
    CHECK(browser.cookie("b") != browser.cookie("a"));
    auto again = browser.open("a");
    CHECK(again.all("Set-Cookie").empty());
}

TEST_CASE("the cookie is what the settings say") {
    chain::CookieConfig cookie;
    cookie.name = "tab";
    cookie.domain = "example.com";
    cookie.path = "/";
    cookie.http_only = false;
    cookie.same_site = chain::SameSite::none;
    SseServer server({.cookie = cookie});
    SseBrowser browser(server.port());
    auto stream = browser.open("a");
    const auto text = stream.header("Set-Cookie");
    CHECK(text.starts_with("tab.a="));
    CHECK(text.ends_with("; Path=/; Domain=example.com; Secure; SameSite=None"));
    CHECK(browser.say(join, "a").status == 200);
}

TEST_CASE("pitfall 30: tabs that open at the same moment do not overwrite each other") {
    SseServer server;
    SseBrowser browser(server.port());
    SseStream one(server.port(), browser.get("one"));
    SseStream two(server.port(), browser.get("two"));
    browser.keep(two);
    browser.keep(one);
    CHECK(browser.say(join, "one").status == 200);
    CHECK(browser.say(join, "two").status == 200);
    CHECK(one.receive() == joined);
    CHECK(two.receive() == joined);
    CHECK(server.handler.sessions() == 2);
}

TEST_CASE("pitfall 30: each answer expires the cookies of sessions that are gone") {
    SseServer server({}, window(1ms));
    SseBrowser browser(server.port());
    browser.open("old").close();
    browser.cookies().emplace_back("other", "x");
    browser.cookies().emplace_back("chain.never", "y");
    REQUIRE(server.closed(1));
    auto stream = browser.open("new");
    const auto cookies = stream.all("Set-Cookie");
    CHECK(cookies.size() == 3);
    const auto expired = [&](const std::string& sid) {
        return std::ranges::count_if(cookies, [&](const std::string& cookie) {
            return cookie.starts_with("chain." + sid + "=;") &&
                   cookie.find("; Path=/socket/sse; Max-Age=0") != std::string::npos;
        });
    };
    CHECK(expired("old") == 1);
    CHECK(expired("never") == 1);
}

TEST_CASE("pitfall 30: the 17th tab of a browser ends its oldest session") {
    SseServer server;
    SseBrowser browser(server.port());
    std::vector<SseStream> tabs;
    for (int i = 0; i < 16; ++i) tabs.push_back(browser.open("t" + std::to_string(i)));
    REQUIRE(server.handler.sessions() == 16);
    tabs.push_back(browser.open("t16"));
    CHECK(tabs.front().ends());
    CHECK(server.closed(1));
    CHECK(server.watch->limits() == std::vector<std::string>{"tabs"});
    CHECK(browser.say(join, "t0").status == 410);
    for (int i = 1; i <= 16; ++i) {
        CHECK(browser.say(join, "t" + std::to_string(i)).status == 200);
        CHECK(tabs[static_cast<std::size_t>(i)].receive() == joined);
    }
}

TEST_CASE("a browser has one living tab where none are allowed") {
    SseServer server({.tabs = 0});
    SseBrowser browser(server.port());
    auto first = browser.open("a");
    CHECK(first.status() == 200);
    auto second = browser.open("b");
    CHECK(second.status() == 200);
    CHECK(server.closed(1));
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("a tab that is loaded again costs no other tab its session") {
    SseServer server({.tabs = 2});
    SseBrowser browser(server.port());
    auto other = browser.open("other", "&resume=1");
    auto older = browser.open("tab", "&resume=1");
    auto newer = browser.open("tab", "&resume=1");
    CHECK(older.ends());
    CHECK(server.watch->limits().empty());
    CHECK(browser.say(join, "other").status == 200);
    CHECK(browser.say(join, "tab").status == 200);
}

// ----------------------------------------------------------------------- streams of one session

TEST_CASE("pitfall 14: the newest stream of a session takes it over, and the older one ends") {
    SseServer server;
    SseBrowser browser(server.port());
    auto older = browser.member("room:a");
    auto newer = browser.open();
    CHECK(older.ends());
    for (int i = 0; i < 20; ++i) {
        REQUIRE(browser.say(say(std::to_string(i))).status == 200);
        REQUIRE(newer.receive() == said(std::to_string(i)));
    }
    CHECK(newer.epoch() == older.epoch());
    CHECK(server.handler.sessions() == 1);
    CHECK(server.watch->joined_count == 1);
    CHECK(server.watch->left_count == 0);
}

TEST_CASE("pitfall 15: a late end of the older stream does not end the session") {
    SseServer server({.keep_alive = 60ms}, window(20ms));
    SseBrowser browser(server.port());
    auto older = browser.member("room:a");
    auto newer = browser.open();
    if (GENERATE(true, false))
        older.close();
    else
        older.raw().reset();
    // Two keep-alives of the new stream are later than the window of the older one's end.
    REQUIRE(newer.block() == "retry: 3000");
    REQUIRE(newer.block() == ": keep-alive");
    REQUIRE(newer.block() == ": keep-alive");
    REQUIRE(browser.say(say("1")).status == 200);
    CHECK(newer.receive() == said("1"));
    CHECK(server.watch->left_count == 0);
    CHECK(server.watch->closed == 0);
}

TEST_CASE("what is sent between two streams of a session arrives once, and in order") {
    SseServer server;
    SseBrowser browser(server.port());
    auto sender = server.member("room:a");
    auto stream = browser.member("room:a");
    // The server ends what its client has ended: from then on it knows that there is no stream.
    stream.raw().finish_sending();
    REQUIRE(stream.ends());
    for (int i = 0; i < 100; ++i) {
        sender.send_text(say(std::to_string(i)));
        REQUIRE(sender.receive() == said(std::to_string(i)));
    }
    auto again = browser.open();
    for (int i = 0; i < 100; ++i) REQUIRE(again.receive() == said(std::to_string(i)));
    REQUIRE(browser.say(say("\"last\"")).status == 200);
    CHECK(again.receive() == said("\"last\""));
    CHECK(server.watch->joined_count == 2);
}

TEST_CASE("pitfall 16: after the window the leave handlers have run, and a POST is answered 410") {
    auto room = test::room_channel();
    room.on_leave([](Socket& socket, chain::LeaveReason reason) {
        socket.broadcast("left", reason == chain::LeaveReason::close);
    });
    SseServer server({}, window(50ms), room);
    SseBrowser browser(server.port());
    auto other = server.member("room:a");
    browser.member("room:a").close();
    CHECK(other.receive() == R"([2,"room:a","left",true])");
    REQUIRE(server.closed(1));
    CHECK(browser.say(say("1")).status == 410);

    const auto before = browser.cookie();
    auto stream = browser.open();
    CHECK(browser.cookie() != before);
    REQUIRE(browser.say(join).status == 200);
    CHECK(stream.receive() == joined);
}

TEST_CASE("pitfall 16: the end of a session by the application ends its stream") {
    auto room = test::room_channel();
    room.on("quit", [](Socket& socket, const Json&) {
        socket.session().close(1000, "bye");
        return Reply::ok("bye");
    });
    SseServer server({}, {}, room);
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    REQUIRE(browser.say(R"([0,1,2,"room:a","quit",{}])").status == 200);
    CHECK(stream.receive() == R"([1,1,2,0,"bye"])");
    CHECK_FALSE(stream.next());
    REQUIRE(server.closed(1));
    CHECK(browser.say(join).status == 410);
}

TEST_CASE("pitfall 29: leaving the last topic keeps the session while its stream is open") {
    SseServer server({.keep_alive = 60ms}, window(20ms));
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    REQUIRE(browser.say(R"([0,1,2,"room:a","_leave",{}])").status == 200);
    CHECK(stream.receive() == "[1,1,2,0,{}]");
    REQUIRE(stream.block() == ": keep-alive");
    REQUIRE(stream.block() == ": keep-alive");
    REQUIRE(browser.say(R"([0,3,3,"room:a","_join",{}])").status == 200);
    CHECK(stream.receive() == "[1,3,3,0,{}]");
    CHECK(server.watch->closed == 0);
}

TEST_CASE("a session ends with its window also when it has left all its topics") {
    SseServer server({}, window(20ms));
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    REQUIRE(browser.say(R"([0,1,2,"room:a","_leave",{}])").status == 200);
    CHECK(stream.receive() == "[1,1,2,0,{}]");
    stream.close();
    CHECK(server.closed(1));
}

TEST_CASE("streams and POSTs on any thread reach the session on its own") {
    SseServer server({}, {}, test::room_channel(), 2);
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    for (int i = 0; i < 20; ++i) {
        // Connections go to the threads by turns, and sessions of other browsers shift them.
        SseBrowser other(server.port());
        auto more = other.open();
        auto newer = browser.open();
        REQUIRE(stream.ends());
        for (int j = 0; j < 10; ++j) {
            const auto value = std::to_string(100 * i + j);
            SseBrowser poster(server.port());
            poster.cookies() = browser.cookies();
            REQUIRE(poster.say(say(value)).status == 200);
            REQUIRE(newer.receive() == said(value));
        }
        stream = std::move(newer);
    }
    CHECK(server.watch->joined_count == 1);
}

TEST_CASE("contending streams of one session lose nothing that is sent meanwhile") {
    SseServer server({}, {}, test::room_channel(), 2);
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    auto sender = server.member("room:a");
    constexpr int rounds = 50;
    int next = 0;
    for (int round = 0; round < rounds; ++round) {
        auto newer = browser.open();
        sender.send_text(say(std::to_string(round)));
        REQUIRE(sender.receive() == said(std::to_string(round)));
        // What the older stream did not get is on the newer one.
        while (const auto data = stream.next()) REQUIRE(*data == said(std::to_string(next++)));
        stream = std::move(newer);
    }
    while (next < rounds) REQUIRE(stream.receive() == said(std::to_string(next++)));
    CHECK(server.watch->left_count == 0);
}

TEST_CASE("a slow reader's session ends when too much waits for it") {
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 100'000;
    SseServer server({}, config);
    SseBrowser browser(server.port());
    auto slow = browser.open("tab", "", "", 4096);
    REQUIRE(browser.say(join).status == 200);
    REQUIRE(slow.receive() == joined);
    auto sender = server.member("room:a");
    for (int i = 0; i < 2000 && server.handler.sessions() == 2; ++i) {
        sender.send_text(say('"' + std::string(10'000, 'x') + '"'));
        sender.receive();
    }
    REQUIRE(server.closed(1));
    CHECK(slow.ends());
    CHECK(browser.say(say("1")).status == 410);
    CHECK(server.unsent() == 0);
    CHECK(server.watch->dropped > 0);
}

TEST_CASE("while the server drains a stream is answered with when to come back, and ends") {
    chain::HandlerConfig config;
    config.timeouts.restart = 1234ms;
    SseServer server({}, config);
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    server.handler.drain(10s, [] {});
    CHECK_FALSE(stream.next());
    auto late = browser.open();
    CHECK(late.status() == 200);
    CHECK(late.header("Content-Type") == "text/event-stream; charset=utf-8");
    CHECK(late.block() == "retry: 1234");
    CHECK(server.closed(1));
    CHECK(server.handler.sessions() == 0);
}

// ------------------------------------------------------- what deployed copies of chain.js do

TEST_CASE("section 6: a rejoin with a new joinRef closes the old membership, before its reply") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    REQUIRE(browser.say(R"([0,5,5,"room:a","_join",{}])").status == 200);
    CHECK(stream.receive() == R"([0,1,0,"room:a","_close",{}])");
    CHECK(stream.receive() == "[1,5,5,0,{}]");
    CHECK(server.watch->joined_count == 2);
    CHECK(server.watch->left_count == 1);
}

TEST_CASE("section 6: a page that was loaded again joins with the same joinRef, without a _close") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    auto reloaded = browser.open();
    REQUIRE(browser.say(join).status == 200);
    CHECK(reloaded.receive() == joined);
    REQUIRE(browser.say(say("1")).status == 200);
    CHECK(reloaded.receive() == said("1"));
    CHECK(server.watch->left_count == 1);
}

TEST_CASE("section 6: a _leave that arrives after the _join that followed it is ignored") {
    SseServer server;
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    REQUIRE(browser.say(R"([0,3,3,"room:a","_join",{}])").status == 200);
    REQUIRE(browser.say(R"([0,1,2,"room:a","_leave",{}])").status == 200);
    CHECK(stream.receive() == R"([0,1,0,"room:a","_close",{}])");
    CHECK(stream.receive() == "[1,3,3,0,{}]");
    REQUIRE(browser.say(R"([0,3,4,"room:a","say",1])").status == 200);
    CHECK(stream.receive() == said("1"));
    CHECK(server.watch->left_count == 1);
}

TEST_CASE("one topic has members over SSE and over WebSocket") {
    SseServer server({}, {}, test::room_channel(), 2);
    SseBrowser browser(server.port());
    auto stream = browser.member("room:a");
    auto web = server.member("room:a");
    web.send_text(say("\"from the web\""));
    CHECK(web.receive() == said("\"from the web\""));
    CHECK(stream.receive() == said("\"from the web\""));
    REQUIRE(browser.say(say("\"from a stream\"")).status == 200);
    CHECK(web.receive() == said("\"from a stream\""));
    CHECK(stream.receive() == said("\"from a stream\""));
}

TEST_CASE("10,000 messages arrive at 100 streams, each once and in order") {
    SseServer server({}, {}, test::room_channel(), 2);
    constexpr int messages = test::rounds(10'000);
    constexpr int clients = 100;
    std::vector<SseStream> streams;
    for (int i = 0; i < clients; ++i) {
        SseBrowser browser(server.port());
        streams.push_back(browser.member("room:a"));
    }
    std::atomic<int> sent{0}, slowest{0};
    SseBrowser browser(server.port());
    auto own = browser.member("room:a");
    std::thread sender([&] {
        for (int i = 0; i < messages; i += 100) {
            while (i - slowest > 1000) std::this_thread::yield();
            std::string body = "[";
            for (int j = 0; j < 100; ++j) body += (j ? "," : "") + say(std::to_string(i + j));
            if (browser.say(body + "]").status == 200) sent += 100;
        }
    });
    std::string wrong;
    for (int i = 0; i < messages && wrong.empty(); i += 100) {
        for (auto& stream : streams) {
            for (int j = i; j < i + 100 && wrong.empty(); ++j) {
                const auto data = stream.receive();
                if (data != said(std::to_string(j)))
                    wrong = data + " instead of " + std::to_string(j);
            }
        }
        slowest = wrong.empty() ? i + 100 : messages;
    }
    sender.join();
    CHECK(wrong.empty());
    CHECK(sent == messages);
    for (int i = 0; i < messages; ++i) REQUIRE(own.receive() == said(std::to_string(i)));
    for (auto& stream : streams) CHECK(stream.number() == messages + 1);
}

TEST_CASE("what a client writes into the path cannot become an attribute of the cookie") {
    chain::Handler handler({.endpoint = "/rooms/:room"});
    handler.add(test::room_channel());
    chain::Server server({.port = 0, .threads = 1});
    server.mount(handler).listen().start();
    RawClient client(server.port());
    const auto cookie = client.get("/rooms/a;Domain=example.com;x/sse").header("set-cookie");
    CHECK(cookie.find("; Path=/rooms/a%3BDomain=example.com%3Bx/sse;") != std::string::npos);
    CHECK(cookie.find("; Domain") == std::string::npos);
}
