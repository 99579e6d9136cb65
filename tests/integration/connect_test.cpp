// How a client gets in: the handshake, the connect handler, and the Origin rule.
#include "../support/catch.hpp"
#include "support/gate.hpp"
#include "support/test_server.hpp"
#include "support/ws_client.hpp"

using chain::Json, chain::Refusal, chain::Request, chain::Session;
using test::RawClient, test::TestServer;

namespace {

std::string reason_of(const test::HttpReply& reply) { return Json::parse(reply.body).at("reason"); }

test::HttpReply upgrade(const TestServer& server, const std::string& headers) {
    return RawClient(server.port()).upgrade("/socket/websocket", headers);
}

} // namespace

TEST_CASE("the handshake answers with the key of RFC 6455's example") {
    TestServer server(test::room_channel());
    server.start();
    const auto reply = upgrade(server, "");
    CHECK(reply.status == 101);
    CHECK(reply.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(reply.header("upgrade") == "websocket");
}

TEST_CASE("wrong handshakes are refused with what would be right") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    const std::string get = "GET /socket/websocket HTTP/1.1\r\nHost: t\r\n";
    const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const std::string version = "Sec-WebSocket-Version: 13\r\n";

    const auto plain = client.request(get + key + version + "\r\n");
    CHECK(plain.status == 426);
    CHECK(plain.header("upgrade") == "websocket");
    CHECK(client.request(get + "Upgrade: websocket\r\n" + key + version + "\r\n").status == 426);
    CHECK(client.request(get + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + key + version + "\r\n")
              .status == 426);
    const auto old = client.request(get + upgrade + key + "Sec-WebSocket-Version: 8\r\n\r\n");
    CHECK(old.status == 426);
    CHECK(old.header("sec-websocket-version") == "13");
    CHECK(client.request(get + upgrade + version + "\r\n").status == 400);
    CHECK(client.request(get + upgrade + version + "Sec-WebSocket-Key: short\r\n\r\n").status ==
          400);
    CHECK(client
              .request("PUT /socket/websocket HTTP/1.1\r\nHost: t\r\n" + upgrade + key + version +
                       "\r\n")
              .status == 405);
    CHECK(client.get("/healthz").status == 200);
    CHECK(RawClient(server.port())
              .request("GET /socket/websocket HTTP/1.0\r\n" + upgrade + key + version + "\r\n")
              .status == 426);
    CHECK(server.handler.sessions() == 0);
}

TEST_CASE("header values of any case, and a list in Connection, upgrade as well") {
    TestServer server(test::room_channel());
    server.start();
    const auto reply =
        RawClient(server.port())
            .request("GET /socket/websocket HTTP/1.1\r\nhost: t\r\nupgrade: WebSocket\r\n"
                     "connection: keep-alive, UPGRADE\r\nsec-websocket-version: 13\r\n"
                     "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    CHECK(reply.status == 101);
}

TEST_CASE("frames that arrive with the handshake are not lost") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    const auto join = test::ws_text(R"([0,1,1,"room:a","_join",{}])");
    const auto echo = test::ws_text(R"([0,1,2,"room:a","echo","first"])");
    client.send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n" +
                RawClient::handshake("/socket/websocket") + join + echo.substr(0, 9));
    CHECK(client.read_http().status == 200);
    CHECK(client.read_http().status == 101);
    CHECK(client.receive() == "[1,1,1,0,{}]");
    client.send(echo.substr(9));
    CHECK(client.receive() == R"([1,1,2,0,"first"])");
}

TEST_CASE("pitfall 31: the connect handler sees query, headers, cookies and the peer") {
    TestServer server(test::room_channel());
    std::optional<Request> seen;
    std::optional<Session> session;
    server.handler.on_connect([&](Session& connected, const Request& request) {
        seen = request;
        session = connected;
        connected.set("user", "ann");
    });
    server.start();
    RawClient client(server.port());
    const auto reply = client.upgrade("/socket/websocket?token=a%20b+c&x=1&x=2&empty",
                                      "Authorization: Bearer t\r\nCookie: a=1; sid=s%3D\r\n"
                                      "X-Many: one\r\nX-Many: two\r\n");
    REQUIRE(reply.status == 101);
    // The answer comes after the handler, so that what it stored can be read.
    REQUIRE(seen);
    CHECK(seen->method == "GET");
    CHECK(seen->path() == "/socket/websocket");
    CHECK(seen->param("token") == "a b c");
    CHECK(seen->param("x") == "1");
    CHECK(seen->param("empty") == "");
    CHECK_FALSE(seen->param("none"));
    CHECK(seen->header("authorization") == "Bearer t");
    CHECK(seen->cookie("sid") == "s%3D");
    CHECK(seen->header("x-many") == "one");
    CHECK(seen->peer_address == "127.0.0.1");
    CHECK(seen->peer_port != 0);
    CHECK_FALSE(seen->tls);
    CHECK(session->params() == Json{{"token", "a b c"}, {"x", "2"}, {"empty", ""}});
    CHECK(server.handler.session(session->id()) == session);
}

TEST_CASE("the connect handler refuses with a status and a reason") {
    TestServer server(test::room_channel());
    server.handler.on_connect([](Session&, const Request& request) -> std::optional<Refusal> {
        if (request.param("throw")) throw std::runtime_error("secret text");
        if (request.param("teapot")) return Refusal{418, "no \"coffee\""};
        if (request.param("silent")) return Refusal{};
        if (request.param("odd")) return Refusal{200, "not an error"};
        return std::nullopt;
    });
    server.start();
    RawClient client(server.port());

    const auto teapot = client.upgrade("/socket/websocket?teapot=1");
    CHECK(teapot.status == 418);
    CHECK(teapot.header("content-type") == "application/json");
    CHECK(reason_of(teapot) == "no \"coffee\"");
    const auto silent = client.upgrade("/socket/websocket?silent=1");
    CHECK(silent.status == 403);
    CHECK(reason_of(silent) == "refused");
    CHECK(client.upgrade("/socket/websocket?odd=1").status == 403);
    const auto thrown = client.upgrade("/socket/websocket?throw=1");
    CHECK(thrown.status == 500);
    CHECK(reason_of(thrown) == "connect crashed");
    CHECK(thrown.body.find("secret") == std::string::npos);
    CHECK(server.handler.sessions() == 0);
    CHECK(client.upgrade("/socket/websocket").status == 101);
    test::WsClient other(server.port(), "/socket/websocket?teapot=1");
    CHECK(other.status() == 418);
}

TEST_CASE("what cannot be a header field is left out of a refusal, and logged") {
    TestServer server(test::room_channel());
    server.handler.on_connect([](Session&, const Request& request) -> std::optional<Refusal> {
        const std::string from(*request.param("from"));
        return Refusal{
            .status = 401,
            .headers = {{"X-From", from}, {"X From", "a"}, {"", "b"}, {"X-Other", "c\td"}}};
    });
    server.start();
    for (const std::string target :
         {"/socket/websocket", "/socket/sse", "/socket/longpoll?vsn=2.0.0"}) {
        INFO(target);
        const std::string query = target.find('?') == target.npos ? "?" : "&";
        RawClient client(server.port());
        const auto broken = target.ends_with("websocket")
                                ? client.upgrade(target + query + "from=a%0D%0AX-Forged:%20yes")
                                : client.get(target + query + "from=a%0D%0AX-Forged:%20yes");
        CHECK(broken.header("x-forged") == "");
        CHECK(broken.header("x-from") == "");
        CHECK(broken.header("x-other") == "c\td");
        const auto whole = client.get(target + query + "from=b");
        if (!target.ends_with("websocket")) CHECK(whole.header("x-from") == "b");
    }
    const auto logged = server.watch->logged();
    CHECK(std::ranges::count_if(
              logged, [](const auto& line) { return line.find("X-From") != line.npos; }) == 3);
}

TEST_CASE("a connect handler may be a coroutine, and others connect meanwhile") {
    TestServer server(test::room_channel());
    test::Gate gate;
    using Answer = chain::net::awaitable<std::optional<Refusal>>;
    server.handler.on_connect([&](Session& session, const Request& request) -> Answer {
        const bool slow = request.param("slow").has_value();
        if (slow) co_await gate.pass();
        if (request.param("refuse")) co_return Refusal{401, "who are you"};
        if (request.param("throw")) throw std::runtime_error("x");
        session.set("slow", slow);
        co_return std::nullopt;
    });
    server.start();
    RawClient slow(server.port());
    RawClient refused(server.port());
    RawClient thrown(server.port());
    slow.send(RawClient::handshake("/socket/websocket?slow=1"));
    refused.send(RawClient::handshake("/socket/websocket?slow=1&refuse=1"));
    thrown.send(RawClient::handshake("/socket/websocket?slow=1&throw=1"));
    REQUIRE(gate.wait_for(3));

    auto quick = server.member("room:a");
    CHECK(server.handler.sessions() == 1);
    gate.open();
    CHECK(slow.read_http().status == 101);
    CHECK(refused.read_http().status == 401);
    CHECK(thrown.read_http().status == 500);
    CHECK(server.handler.sessions() == 2);
}

TEST_CASE("a client that goes during an async connect handler leaves no session") {
    TestServer server(test::room_channel());
    test::Gate gate;
    server.handler.on_connect(
        [&](Session&, const Request&) -> chain::net::awaitable<void> { co_await gate.pass(); });
    server.start();
    const bool with_reset = GENERATE(false, true);
    {
        RawClient client(server.port());
        client.send(RawClient::handshake("/socket/websocket"));
        REQUIRE(gate.wait_for(1));
        if (with_reset) client.reset();
    }
    gate.open();
    CHECK(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
    CHECK(server.watch->opened == 1);
    CHECK(server.handler.sessions() == 0);
}

TEST_CASE("sessions past the limit are refused with 503, and a place that becomes free is given") {
    chain::HandlerConfig config;
    config.limits.sessions = 2;
    TestServer server(test::room_channel(), config);
    server.start();
    auto first = server.member("room:a");
    auto second = server.member("room:a");
    const auto refused = upgrade(server, "");
    CHECK(refused.status == 503);
    CHECK(reason_of(refused) == "too many sessions");
    first.close();
    REQUIRE(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
    auto third = server.member("room:a");
    CHECK(server.handler.sessions() == 2);
}

TEST_CASE("pitfall 10: without configuration, pages of other origins are refused") {
    TestServer server(test::room_channel());
    server.start();
    // The requests name the host "test".
    for (const std::string origin :
         {"http://test", "https://test", "http://TEST", "http://test:80"}) {
        INFO(origin);
        CHECK(upgrade(server, "Origin: " + origin + "\r\n").status == 101);
    }
    CHECK(upgrade(server, "").status == 101);
    for (const std::string origin : {"http://evil", "http://test.evil", "http://eviltest",
                                     "http://test:8080", "null", "file://", "http://evil/test",
                                     "http://test@evil", "test", "chrome-extension://test.x", ""}) {
        INFO(origin);
        const auto reply = upgrade(server, "Origin: " + origin + "\r\n");
        CHECK(reply.status == 403);
        CHECK(reason_of(reply) == "origin not allowed");
    }
    // The log says what to write to let it in.
    const auto logged = server.watch->logged();
    REQUIRE_FALSE(logged.empty());
    CHECK(logged.front().find("allowed_origins = {\"http://evil\"}") != std::string::npos);
}

TEST_CASE("pitfall 10: listed origins are let in as they are written") {
    chain::HandlerConfig config;
    config.allowed_origins = {"https://app.example.com", "http://localhost:3000"};
    TestServer server(test::room_channel(), config);
    server.start();
    CHECK(upgrade(server, "Origin: https://app.example.com\r\n").status == 101);
    CHECK(upgrade(server, "Origin: http://localhost:3000\r\n").status == 101);
    CHECK(upgrade(server, "Origin: http://test\r\n").status == 101);
    for (const std::string origin : {"http://app.example.com", "https://app.example.com.evil",
                                     "https://app.example.com:444", "http://localhost", "null"}) {
        INFO(origin);
        CHECK(upgrade(server, "Origin: " + origin + "\r\n").status == 403);
    }
}

TEST_CASE("an endpoint of another path, and two handlers that never meet") {
    TestServer server(test::room_channel(), {.endpoint = "/a/b"});
    chain::Server second({.port = 0, .threads = 1});
    chain::Handler other({.endpoint = "/other"});
    auto shared = test::room_channel();
    chain::Handler same({.endpoint = "/same"});
    other.add(shared);
    same.add(shared);
    second.mount(other).mount(same).listen().start();
    server.start();
    CHECK(RawClient(server.port()).upgrade("/a/b/websocket").status == 101);
    CHECK(RawClient(server.port()).upgrade("/a/websocket").status == 404);
    CHECK_THROWS_AS(second.mount(chain::Handler({.endpoint = "/other"})), std::invalid_argument);

    // pitfall 6: a broadcast of one endpoint does not reach the same topic of another.
    RawClient ann(second.port());
    RawClient bob(second.port());
    REQUIRE(ann.upgrade("/other/websocket").status == 101);
    REQUIRE(bob.upgrade("/same/websocket").status == 101);
    for (auto* client : {&ann, &bob}) {
        client->send_text(R"([0,1,1,"room:a","_join",{}])");
        CHECK(client->receive() == "[1,1,1,0,{}]");
    }
    ann.send_text(R"([0,1,2,"room:a","say","for other only"])");
    CHECK(ann.receive() == R"([2,"room:a","say","for other only"])");
    CHECK_FALSE(shared.broadcast("room:a", "to", "both"));
    CHECK(ann.receive() == R"([2,"room:a","to","both"])");
    CHECK(bob.receive() == R"([2,"room:a","to","both"])");
}
