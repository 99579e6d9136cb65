// Long-polling: polls, POSTs, tokens, CORS, and the life of a session. The numbers are those of the
// conformance list of Phoenix's protocol.
#include "../support/catch.hpp"
#include "support/poll_client.hpp"
#include "support/poll_server.hpp"
#include "support/room_frames.hpp"
#include "support/test_server.hpp"

#include <chain/transports/longpoll.hpp>
#include <chain/transports/websocket.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>

using namespace std::chrono_literals;
using chain::Json, chain::Reply, chain::Request, chain::Session, chain::Socket;
using test::answer_of, test::PollClient, test::RawClient, test::TestServer, test::with_answer,
    test::join, test::joined, test::PollServer, test::said, test::say;

namespace {

const std::string json_type = "application/json; charset=utf-8";

chain::HandlerConfig restart_after(std::chrono::milliseconds time) {
    chain::HandlerConfig config;
    config.timeouts.restart = time;
    return config;
}

/// `room:*`, where `block` waits for `gate` on the session's thread.
chain::Channel blocking_channel(std::shared_future<void> gate) {
    auto room = test::room_channel();
    room.on("block", [gate](Socket&, const Json&) { gate.wait_for(test::patience); });
    return room;
}

} // namespace

// ---------------------------------------------------------------------------------------- polls

TEST_CASE("phoenix 67: a poll without a token opens a session, the next one waits for a window") {
    PollServer server({.window = 100ms});
    PollClient client(server.port());
    const auto first = client.poll();
    CHECK(first.http == 200);
    CHECK(first.raw.header("content-type") == json_type);
    CHECK(first.raw.body == R"({"status":410,"token":")" + first.token + R"(","messages":[]})");
    CHECK(first.token.size() > 64);
    CHECK(server.handler.sessions() == 1);
    const auto begin = std::chrono::steady_clock::now();
    const auto second = client.poll();
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
    CHECK(second.http == 200);
    CHECK(second.raw.body == R"({"status":204,"token":")" + first.token + R"(","messages":[]})");
    CHECK(server.handler.sessions() == 1);
}

TEST_CASE("phoenix 68: what is posted is answered through polls, in order, as strings") {
    PollServer server;
    PollClient client(server.port());
    client.open();
    CHECK(client.say(join + "\n" + say(R"({"a":"\"\n/ü"})")) == 200);
    const auto reply = client.poll();
    CHECK(reply.status == 200);
    CHECK(reply.messages == std::vector<std::string>{joined, said(R"({"a":"\"\n/ü"})")});
    CHECK(reply.raw.body.find("/ü") != std::string::npos);
    CHECK(reply.raw.body.find("\\/") == std::string::npos);
}

TEST_CASE("a refusal's headers come with a poll's answer, and change nothing about its own") {
    PollServer server;
    server.handler.on_connect(
        [](Session&, const Request& request) -> std::optional<chain::Refusal> {
            chain::Refusal refusal{.status = request.param("busy") ? 503 : 401};
            refusal.headers = {{"X-Why", "a"},
                               {"content-type", "text/html"},
                               {"Access-Control-Allow-Origin", "https://a.example"}};
            if (request.param("later")) refusal.headers.emplace_back("retry-after", "7");
            return refusal;
        });
    RawClient client(server.port());
    for (const auto* query : {"", "&busy=1", "&busy=1&later=1"}) {
        INFO(query);
        const auto refused = client.get(std::string("/socket/longpoll?vsn=2.0.0") + query);
        CHECK(refused.header("x-why") == "a");
        CHECK(refused.header("content-type") == "application/json; charset=utf-8");
        CHECK(refused.header("access-control-allow-origin") == "*");
        const std::string_view when = query;
        CHECK(refused.header("retry-after") == (when.empty() ? "" : when.size() > 8 ? "7" : "1"));
    }
}

TEST_CASE("phoenix 69: who is refused by the connect handler gets status 403 with HTTP 200") {
    PollServer server;
    server.handler.on_connect(
        [](Session&, const Request& request) -> std::optional<chain::Refusal> {
            if (request.param("token") == "good") return std::nullopt;
            return chain::Refusal{401, "who are you"};
        });
    RawClient client(server.port());
    const auto refused = client.get("/socket/longpoll?token=bad");
    CHECK(refused.status == 200);
    CHECK(refused.body == R"({"status":403,"reason":"who are you"})");
    CHECK(refused.header("cache-control") == "no-store");
    CHECK(server.handler.sessions() == 0);
    CHECK(Json::parse(client.get("/socket/longpoll?token=good").body).at("status") == 410);
    // The transport's own token may come in a parameter of the same name, behind it.
    CHECK(Json::parse(
              client.get("/socket/longpoll?token=good&token=" + std::string(64, '0') + ".1").body)
              .at("status") == 410);
}

TEST_CASE("phoenix 69: a page of an origin that is not allowed gets status 403 with HTTP 200") {
    chain::CorsConfig cors;
    cors.allow_origins = {"https://app.example"};
    chain::HandlerConfig config;
    config.allowed_origins = {"https://other.example"};
    PollServer server({.cors = cors}, config);
    RawClient client(server.port());
    PollClient poster(server.port());
    for (const std::string origin : {"https://evil.example", "null", "http://test:81"}) {
        INFO(origin);
        const auto refused = client.get("/socket/longpoll", "Origin: " + origin + "\r\n");
        CHECK(refused.status == 200);
        CHECK(refused.body == R"({"status":403,"reason":"origin not allowed"})");
        CHECK(refused.header("access-control-allow-origin") == "*");
        CHECK(Json::parse(poster.posted(join, "text/plain", "Origin: " + origin + "\r\n").body)
                  .at("status") == 403);
    }
    CHECK(server.handler.sessions() == 0);
    for (const std::string origin :
         {"http://test", "https://app.example", "https://other.example"}) {
        INFO(origin);
        const auto reply = client.get("/socket/longpoll", "Origin: " + origin + "\r\n");
        CHECK(Json::parse(reply.body).at("status") == 410);
        CHECK(reply.header("access-control-allow-origin") == "*");
        CHECK(reply.header("access-control-allow-credentials").empty());
    }
}

TEST_CASE("phoenix 70: the token comes in the header or in the query, and the header wins") {
    PollServer server({.window = 50ms});
    PollClient client(server.port());
    client.open();
    RawClient raw(server.port());
    const auto status = [&](const std::string& query, const std::string& headers) {
        return Json::parse(raw.get("/socket/longpoll" + query, headers).body)
            .at("status")
            .get<int>();
    };
    const auto header = "x-phoenix-longpoll-token: " + client.token + "\r\n";
    const auto bogus = std::string(64, 'a') + ".0";
    CHECK(status("", header) == 204);
    CHECK(status("?token=" + client.token, "") == 204);
    CHECK(status("?token=" + bogus, header) == 204);
    CHECK(status("?token=app&token=" + client.token, "") == 204);
    CHECK(server.handler.sessions() == 1);
    CHECK(status("?token=" + client.token, "X-Phoenix-Longpoll-Token: " + bogus + "\r\n") == 410);
    CHECK(server.handler.sessions() == 2);
}

TEST_CASE("a poll waits, and is answered at once with all that a turn has brought") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    client.ask();
    auto sender = server.member("room:a");
    std::string many;
    for (int i = 0; i < 20; ++i) many += test::ws_text(say(std::to_string(i)));
    sender.send(many);
    std::vector<std::string> got;
    while (got.size() < 20) {
        const auto reply = client.answer();
        REQUIRE(reply.status == 200);
        got.insert(got.end(), reply.messages.begin(), reply.messages.end());
        client.ask();
    }
    for (int i = 0; i < 20; ++i) CHECK(got[static_cast<std::size_t>(i)] == said(std::to_string(i)));
    CHECK(client.say(join + "\n" + say("1") + "\n" + say("2")) == 200);
    CHECK(client.answer().messages == std::vector<std::string>{joined, said("1"), said("2")});
}

TEST_CASE("an answer has at most so many bytes of frames; the rest comes with the next polls") {
    PollServer server({.answer_bytes = 100});
    PollClient client(server.port());
    client.join("room:a");
    const auto text = '"' + std::string(30, 'x') + '"';
    const auto big = '"' + std::string(300, 'y') + '"';
    CHECK(client.say(say(text) + "\n" + say(text) + "\n" + say(big) + "\n" + say(text)) == 200);
    CHECK(client.poll().messages == std::vector<std::string>{said(text)});
    CHECK(client.poll().messages == std::vector<std::string>{said(text)});
    CHECK(client.poll().messages == std::vector<std::string>{said(big)});
    CHECK(client.poll().messages == std::vector<std::string>{said(text)});
    CHECK(server.unsent() == 0);
}

TEST_CASE("polls work without keep-alive, and pipelined") {
    PollServer server({.window = 50ms});
    PollClient client(server.port());
    client.join("room:a");
    RawClient once(server.port());
    once.send(client.get("Connection: close\r\n"));
    const auto reply = test::read_poll(once);
    CHECK(reply.status == 204);
    CHECK(reply.raw.header("connection") == "close");
    CHECK(once.read_to_end().empty());

    RawClient pipe(server.port());
    pipe.send(client.post(say("1")) + client.get() + client.post(say("2")));
    CHECK(pipe.read_http().body == R"({"status":200})");
    const auto polled = test::read_poll(pipe);
    CHECK(polled.messages == std::vector<std::string>{said("1")});
    CHECK(pipe.read_http().body == R"({"status":200})");
    client.token = polled.token;
    CHECK(client.receive() == said("2"));
}

// ---------------------------------------------------------------------------------------- POSTs

TEST_CASE("phoenix 71: a POST with a dead token or none gets status 410, a poll a new session") {
    PollServer server({.window = 50ms});
    PollClient client(server.port());
    const auto none = client.posted(join);
    CHECK(none.status == 200);
    CHECK(none.body == R"({"status":410})");
    CHECK(none.header("cache-control") == "no-store");
    for (const auto& token : {std::string("null"), std::string("x.1"), std::string(64, '0') + ".0",
                              std::string(64, '0') + ".", std::string(64, '0') + ".99999999999",
                              std::string(63, '0') + "g.0"}) {
        INFO(token);
        client.token = token;
        CHECK(client.posted(join).body == R"({"status":410})");
        const auto reply = client.poll();
        CHECK(reply.status == 410);
        CHECK(reply.token != token);
        CHECK(reply.messages.empty());
    }
    client.token.clear();
    const auto dead = client.open().token;
    REQUIRE(server.watch->signal.wait([&] { return server.watch->closed == 7; }));
    client.token = dead;
    CHECK(client.posted(join).body == R"({"status":410})");
    client.open();
    CHECK(client.token != dead);
}

TEST_CASE(
    "phoenix 72: a body of lines is handled line by line, in order; blank lines are skipped") {
    PollServer server;
    PollClient client(server.port());
    client.open();
    // The line with the joinRef of an earlier membership is ignored.
    const auto body = "\n" + join + "\r\n\r\n" + say("1") + "\n" +
                      R"([0,9,3,"room:a","say","stale"])" + "\n" + say("2") + "\r\n" +
                      R"([0,1,4,"room:a","echo",4])" + "\n\n";
    CHECK(client.say(body) == 200);
    CHECK(client.receive() == joined);
    CHECK(client.receive() == said("1"));
    CHECK(client.receive() == said("2"));
    CHECK(client.receive() == "[1,1,4,0,4]");
    CHECK(client.say("") == 200);
    CHECK(client.say("\r\n\n") == 200);
}

TEST_CASE("phoenix 73: of 101 lines the first 100 are handled") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    std::string body;
    for (int i = 0; i < 101; ++i) body += say(std::to_string(i)) + "\n";
    CHECK(client.say(body) == 200);
    for (int i = 0; i < 100; ++i) REQUIRE(client.receive() == said(std::to_string(i)));
    CHECK(client.say(say("\"next\"")) == 200);
    CHECK(client.receive() == said("\"next\""));
}

TEST_CASE("how many lines are handled is a setting") {
    PollServer server({.lines_per_post = 2});
    PollClient client(server.port());
    client.join("room:a");
    CHECK(client.say("\n" + say("1") + "\n\n" + say("2") + "\n" + say("3")) == 200);
    CHECK(server.watch->limits() == std::vector<std::string>{"lines_per_post"});
    CHECK(client.say(say("4") + "\n" + say("5") + "\n\r\n\n") == 200);
    CHECK(server.watch->limits().size() == 1);
    for (const std::string value : {"1", "2", "4", "5"}) CHECK(client.receive() == said(value));
}

TEST_CASE("phoenix 74: a POST that waits longer than the window gets status 408") {
    std::promise<void> gate;
    PollServer server({.window = 300ms}, {}, blocking_channel(gate.get_future().share()), 2);
    std::atomic<std::thread::id> thread;
    server.handler.on_connect(
        [&](Session&, const Request&) { thread = std::this_thread::get_id(); });
    PollClient client(server.port());
    client.join("room:a");
    const auto own = thread.load();
    // A connection that the other thread serves.
    std::optional<RawClient> other;
    do {
        other.emplace(server.port());
        REQUIRE(other->get("/socket/longpoll").status == 200);
    } while (thread == own);
    const auto body = R"([0,1,2,"room:a","block",{}])"
                      "\n" +
                      say("\"skipped\"");
    other->send(client.post(body));
    CHECK(other->read_http().body == R"({"status":408})");
    gate.set_value();
    CHECK(client.say(say("1")) == 200);
    CHECK(client.receive() == said("1"));
}

TEST_CASE("a POST is answered when its frames are taken, not when their handlers have answered") {
    auto room = test::room_channel();
    std::promise<chain::ReplyToken> asked;
    room.on("later", [&](Socket& socket, const Json&) { asked.set_value(socket.reply_token()); });
    PollServer server({}, {}, room);
    PollClient client(server.port());
    client.join("room:a");
    CHECK(client.say(R"([0,1,2,"room:a","later",{}])") == 200);
    CHECK(client.say(R"([0,1,3,"room:b","say",1])") == 200);
    CHECK(client.receive() == R"([1,1,3,1,{"reason":"unmatched topic"}])");
    CHECK_FALSE(asked.get_future().get().reply(Reply::ok("done")));
    CHECK(client.receive() == R"([1,1,2,0,"done"])");
}

TEST_CASE("phoenix 77: a body of any other content type, or of none, is one text frame") {
    PollServer server;
    for (const std::string type : {"", "application/json", "text/plain;charset=UTF-8"}) {
        INFO(type);
        PollClient client(server.port());
        client.open();
        CHECK(client.say(join, type) == 200);
        CHECK(client.receive() == joined);
        CHECK(client.say("[0,1,2,\"room:a\",\r\n\"echo\"\n,7]", type) == 200);
        CHECK(client.receive() == "[1,1,2,0,7]");
    }
}

TEST_CASE("a posted frame that is none is refused with a reason, and the session lives on") {
    PollServer server;
    PollClient client(server.port());
    client.join("room:a");
    std::size_t refused = 0;
    for (const std::string line :
         {"[0,1", "[]", "{}", "AAAA", "[0,1,2,\"room:a\",\"say\",\"\xff\"]"}) {
        INFO(line);
        const auto reply = client.posted(say("1") + "\n" + line + "\n" + say("2"));
        CHECK(reply.status == 400);
        const auto body = Json::parse(reply.body);
        CHECK(body.at("status") == 400);
        CHECK_FALSE(body.at("reason").get<std::string>().empty());
        CHECK(server.watch->bad_frames == ++refused);
        CHECK(client.receive() == said("1")); // what came before counts, and what follows does not
        CHECK(client.say(say("3")) == 200);
        CHECK(client.receive() == said("3"));
    }
    CHECK(client.posted(say("1") + "\n%\n").status == 400); // not even base64: none is handled
    CHECK(server.watch->bad_frames == ++refused);
    CHECK(client.say(say("4")) == 200);
    CHECK(client.receive() == said("4"));
    CHECK(server.watch->closed == 0);
}

TEST_CASE("a posted frame that is none ends a session of Phoenix's, as over WebSocket") {
    PollServer server;
    PollClient client(server.port(), "?vsn=2.0.0");
    client.open();
    const auto reply = client.posted(R"(["1","1","room:a","phx_join",{}])"
                                     "\n[0,1\n");
    CHECK(reply.status == 400);
    CHECK(Json::parse(reply.body).at("status") == 400);
    CHECK(client.receive() == R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])");
    CHECK(server.closed(1));
    CHECK(client.poll().status == 410);
}

TEST_CASE("pitfall 9: a body, a line or a payload over its limit is refused, with its reason") {
    chain::HandlerConfig config;
    config.limits.message_bytes = 1000;
    config.limits.json_depth = 4;
    PollServer server({}, config);
    PollClient client(server.port());
    client.join("room:a");
    const auto long_body = client.posted(std::string(70'000, 'x'));
    CHECK(long_body.status == 413);
    CHECK(Json::parse(long_body.body).at("status") == 413);
    CHECK(long_body.header("access-control-allow-origin") == "*");
    CHECK(client.say(say("[[1]]")) == 200);
    CHECK(client.receive() == said("[[1]]"));
    const auto long_line = client.posted(say('"' + std::string(1000, 'x') + '"'));
    CHECK(long_line.status == 413);
    CHECK(long_line.body == R"({"status":413,"reason":"too long"})");
    CHECK(server.watch->limits() == std::vector<std::string>{"body_bytes", "message_bytes"});
    CHECK(client.say(say("[[[[[1]]]]]")) == 400);
    CHECK(server.watch->bad_frames == 1);
    CHECK(client.say(say("2")) == 200);
    CHECK(client.receive() == said("2"));
}

TEST_CASE("other methods are answered 400, whatever the token") {
    PollServer server;
    PollClient client(server.port());
    client.open();
    RawClient raw(server.port());
    for (const std::string method : {"PUT", "DELETE", "PATCH"}) {
        const auto reply = raw.request(method + " /socket/longpoll HTTP/1.1\r\nHost: test\r\n" +
                                       "Content-Length: 0\r\n\r\n");
        CHECK(reply.status == 400);
        CHECK(Json::parse(reply.body).at("status") == 400);
    }
    const auto head = raw.request("HEAD /socket/longpoll HTTP/1.1\r\nHost: test\r\n\r\n", true);
    CHECK(head.status == 400);
    CHECK(server.handler.sessions() == 1);
}

// ---------------------------------------------------------------------------------------- CORS

TEST_CASE("phoenix 76: a preflight is answered with what the page asked for; nothing is stored") {
    chain::CorsConfig cors;
    cors.allow_private_network = true;
    cors.allow_origins = {"https://app.example"};
    PollServer server({.cors = cors});
    RawClient client(server.port());
    const auto ask = [&](const std::string& origin, const std::string& headers = {}) {
        return client.request(
            "OPTIONS /socket/longpoll HTTP/1.1\r\nHost: test\r\nOrigin: " + origin +
            "\r\nAccess-Control-Request-Method: POST\r\n" +
            "Access-Control-Request-Headers: content-type, x-other\r\n" + headers + "\r\n");
    };
    const auto reply = ask("https://app.example");
    CHECK(reply.status == 200);
    CHECK(reply.body.empty());
    CHECK(reply.header("access-control-allow-origin") == "*");
    CHECK(reply.header("access-control-allow-headers") == "content-type, x-other");
    CHECK(reply.header("access-control-allow-methods") == "get, post, options");
    CHECK(reply.header("access-control-max-age") == "3600");
    CHECK(reply.header("access-control-allow-private-network").empty());
    CHECK(ask("https://app.example", "Access-Control-Request-Private-Network: true\r\n")
              .header("access-control-allow-private-network") == "true");
    const auto refused = ask("https://evil.example");
    CHECK(refused.status == 200);
    CHECK(Json::parse(refused.body).at("status") == 403);
    CHECK(refused.header("access-control-allow-methods").empty());

    PollClient page(server.port());
    const auto opened = page.poll();
    const auto posted = page.posted(join);
    CHECK(page.posted("x", "").status == 400);
    for (const auto* answer : {&opened.raw, &posted}) {
        CHECK(answer->header("access-control-allow-origin") == "*");
        CHECK(answer->header("cache-control") == "no-store");
        CHECK(answer->header("content-type") == json_type);
    }
}

// ------------------------------------------------------------------------- the life of a session

TEST_CASE("phoenix 75: a session that is not polled ends, and its channels with it") {
    auto room = test::room_channel();
    room.on_leave([](Socket& socket, chain::LeaveReason reason) {
        socket.broadcast("left", reason == chain::LeaveReason::close);
    });
    PollServer server({.window = 100ms}, {}, room);
    auto other = server.member("room:a");
    PollClient client(server.port());
    client.join("room:a");
    const auto begin = std::chrono::steady_clock::now();
    CHECK(other.receive() == R"([2,"room:a","left",true])");
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
    REQUIRE(server.closed(1));
    CHECK(client.posted(say("1")).body == R"({"status":410})");
    const auto before = client.token;
    client.open();
    CHECK(client.token != before);
}

TEST_CASE("a session that is polled lives on, also without any topic") {
    PollServer server({.window = 50ms});
    PollClient client(server.port());
    client.open();
    for (int i = 0; i < 6; ++i) CHECK(client.poll().status == 204);
    CHECK(client.say(join) == 200);
    CHECK(client.receive() == joined);
    CHECK(server.watch->closed == 0);
}

TEST_CASE("the end of a session by the application: its last frames come, then a new session") {
    auto room = test::room_channel();
    room.on("quit", [](Socket& socket, const Json&) {
        socket.session().close(1000, "bye");
        return Reply::ok("bye");
    });
    PollServer server({}, {}, room);
    SECTION("while a poll waits") {
        PollClient client(server.port());
        client.join("room:a");
        client.ask();
        CHECK(client.say(R"([0,1,2,"room:a","quit",{}])") == 200);
        CHECK(client.answer().messages == std::vector<std::string>{R"([1,1,2,0,"bye"])"});
        CHECK(client.posted(say("1")).body == R"({"status":410})");
        CHECK(client.poll().status == 410);
    }
    SECTION("between two polls") {
        PollClient client(server.port());
        client.join("room:a");
        CHECK(client.say(R"([0,1,2,"room:a","quit",{}])") == 200);
        REQUIRE(server.closed(1));
        const auto last = client.poll();
        CHECK(last.messages == std::vector<std::string>{R"([1,1,2,0,"bye"])"});
        client.token = with_answer(last.token, answer_of(last.token) - 1);
        CHECK(client.poll().messages == last.messages);
        CHECK(client.posted(say("1")).body == R"({"status":410})");
        CHECK(client.poll().status == 410);
    }
    SECTION("with nothing to say") {
        PollClient client(server.port());
        client.open();
        test::ask_and_wait(client, server.port());
        server.handler.drain(10s, [] {});
        CHECK(client.answer().status == 204);
    }
}

TEST_CASE(
    "while the server drains polls are answered 503, with a status that brings clients back") {
    PollServer server({}, restart_after(1234ms));
    PollClient client(server.port());
    client.join("room:a");
    test::ask_and_wait(client, server.port());
    server.handler.drain(10s, [] {});
    CHECK(client.answer().status == 204);
    const auto late = client.poll();
    CHECK(late.http == 503);
    CHECK(late.raw.header("retry-after") == "2");
    CHECK(late.status == 500);
    CHECK(client.posted(join).body == R"({"status":410})");
    CHECK(server.handler.sessions() == 0);
}

TEST_CASE("what a server says while it drains reaches a client between two polls") {
    auto room = test::room_channel();
    room.on_leave([](Socket& socket, chain::LeaveReason) { socket.broadcast("left", 1); });
    PollServer server({}, {}, room);
    PollClient client(server.port());
    client.join("room:a");
    CHECK(client.say(say("1")) == 200);
    server.handler.drain(10s, [] {});
    REQUIRE(server.closed(1));
    CHECK(client.receive() == said("1"));
    CHECK(client.poll().http == 503);
}

TEST_CASE("too many sessions: 503 with a status that brings clients back") {
    chain::HandlerConfig config;
    config.limits.sessions = 1;
    PollServer server({}, config);
    PollClient(server.port()).open();
    const auto reply = PollClient(server.port()).poll();
    CHECK(reply.http == 503);
    CHECK(reply.status == 500);
    CHECK(reply.token.empty());
}

TEST_CASE("a server without settings of its own serves long-polling beside the other transports") {
    TestServer server(test::room_channel());
    server.start();
    PollClient client(server.port());
    client.join("room:a");
    auto web = server.member("room:a");
    web.send_text(say("1"));
    CHECK(web.receive() == said("1"));
    CHECK(client.receive() == said("1"));
    CHECK(client.say(say("2")) == 200);
    CHECK(web.receive() == said("2"));
    CHECK(client.receive() == said("2"));
}
