// What an address may open, and what the log says of who comes, over real sockets.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

using test::RawClient, test::TestServer;

namespace {

/// A server of every transport.
struct AdmissionServer : TestServer {
    explicit AdmissionServer(chain::HandlerConfig config)
        : TestServer(test::room_channel(), std::move(config)) {
        handler.add(std::make_shared<chain::WebSocketTransport>())
            .add(std::make_shared<chain::SseTransport>())
            .add(std::make_shared<chain::LongPollTransport>());
        start();
    }
};

test::HttpReply admission(const TestServer& server, const std::string& request,
                          const std::string& fields) {
    RawClient client(server.port());
    client.send(request.starts_with("GET /socket/websocket")
                    ? RawClient::handshake(request.substr(4), fields)
                    : request + " HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n" + fields +
                          "\r\n");
    return client.read_http();
}

} // namespace

TEST_CASE("pain 20: an address over its limits is answered 429 over every transport") {
    const bool rate = GENERATE(true, false);
    chain::HandlerConfig config;
    if (rate)
        config.rates.peer_connects = {.per_second = 0.001, .burst = 1};
    else
        config.limits.sessions_per_peer = 1;
    AdmissionServer server(config);
    auto only = server.member("room:a");
    for (const std::string path : {"websocket", "sse?sid=tab", "longpoll"}) {
        INFO(path);
        const auto answer = admission(server, "GET /socket/" + path, {});
        CHECK(answer.status == 429);
        CHECK((answer.header("retry-after") != "") == rate);
    }
    CHECK(server.watch->refused == 3);
    only.send_text(R"([0,1,2,"room:a","echo","alive"])");
    CHECK(only.receive() == R"([1,1,2,0,"alive"])");
}

TEST_CASE("pain 9: what is logged of clients holds no token, cookie or query") {
    chain::HandlerConfig config;
    config.limits.sessions = 0; // own pages are refused, too
    AdmissionServer server(config);
    const std::string secrets = "Cookie: token=s3cret; chain.tab=s3cret\r\n"
                                "Authorization: Bearer s3cret\r\n"
                                "X-Phoenix-Longpoll-Token: s3cret\r\n"
                                "X-Phoenix-AuthToken: s3cret\r\n"
                                "X-Chain-Session: s3cret\r\n";
    const std::string foreign = "Origin: https://evil.example\r\n";
    for (const auto& origin : {foreign, std::string()})
        for (const std::string method : {"GET", "POST"})
            for (const std::string path : {"websocket", "sse", "longpoll"}) {
                INFO(method << " " << path << " " << origin);
                const auto target = "/socket/" + path + "?sid=tab&token=s3cret&session=s3cret";
                const auto answer = admission(server, method + " " + target, origin + secrets);
                CHECK(answer.body.find("s3cret") == std::string::npos);
                for (const auto& [name, value] : answer.headers)
                    CHECK(value.find("s3cret") == std::string::npos);
            }
    for (const auto& line : server.watch->logged()) {
        INFO(line);
        CHECK(line.find("s3cret") == std::string::npos);
    }
    CHECK(server.watch->logged().size() >= 5);
    CHECK(server.watch->thrown().empty());
}

TEST_CASE("pain 9: a token in a header reaches the connect handler over every transport") {
    TestServer server(test::room_channel());
    server.handler.add(std::make_shared<chain::WebSocketTransport>())
        .add(std::make_shared<chain::SseTransport>())
        .add(std::make_shared<chain::LongPollTransport>())
        .on_connect(
            [](chain::Session&, const chain::Request& request) -> std::optional<chain::Refusal> {
                return chain::Refusal{403, "token " + request.auth_token.value_or("missing")};
            });
    server.start();
    for (const std::string path : {"websocket", "sse?sid=tab", "longpoll"}) {
        INFO(path);
        const auto get = "GET /socket/" + path;
        const auto reason = [&](const std::string& fields) {
            return chain::Json::parse(admission(server, get, fields).body)
                .at("reason")
                .get<std::string>();
        };
        CHECK(reason("Authorization: Bearer one.two\r\n") == "token one.two");
        CHECK(reason("authorization: bearer  three\r\n") == "token three");
        CHECK(reason("X-Phoenix-AuthToken: four\r\nAuthorization: Bearer five\r\n") ==
              "token four");
        CHECK(reason("Authorization: Basic c2l4\r\n") == "token missing");
        CHECK(reason("") == "token missing");
    }
}
