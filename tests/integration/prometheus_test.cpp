// What the Server answers at /metrics.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <chain/prometheus.hpp>

using test::RawClient, test::TestServer;

namespace {

/// Does a page of metrics have this line?
bool has_line(const std::string& page, const std::string& line) {
    return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";

} // namespace

TEST_CASE("what clients have done is told at /metrics, over every lane") {
    const auto watch = std::make_shared<test::Watch>();
    const auto metrics = std::make_shared<chain::PrometheusObserver>(watch);
    chain::Handler handler{{.observer = metrics}};
    handler.add(test::room_channel());
    chain::Server server{
        {.port = 0, .threads = 2, .metrics = [metrics] { return metrics->text(); }}};
    server.mount(handler).listen().start();
    const auto join = [&](const std::string& topic, const std::string& params) {
        auto client = test::open_socket(server.port());
        client.send_text(R"([0,1,1,")" + topic + R"(","_join",)" + params + "]");
        static_cast<void>(client.receive());
        return client;
    };
    auto ann = join("room:secret", "{}");
    auto bob = join("room:secret", "{}");
    auto eve = join("room:other", R"({"refuse":1})");
    ann.send_text(R"([0,1,2,"room:secret","say",1])");
    static_cast<void>(ann.receive()); // the broadcast
    ann.send_text(R"([0,1,3,"room:secret","echo",1])");
    static_cast<void>(ann.receive()); // the reply: the handler of "say" is done
    bob.send_text(R"([0,1,2,"room:secret","throw",1])");
    eve.send_text("[");
    CHECK(eve.close_code() == 1007);
    REQUIRE(watch->signal.wait([&] { return watch->closed == 1 && watch->left_count == 1; }));

    const auto reply = RawClient(server.port()).get("/metrics?x=1");
    CHECK(reply.status == 200);
    CHECK(reply.header("content-type") == metrics_type);
    CHECK(reply.header("cache-control") == "no-store");
    for (const std::string line :
         {"# TYPE chain_sessions gauge", "chain_sessions 2", "chain_sessions_opened_total 3",
          "chain_sessions_closed_total 1", R"(chain_sockets{pattern="room:*"} 1)",
          R"(chain_joins_total{pattern="room:*"} 2)",
          R"(chain_joins_refused_total{pattern="room:*"} 1)",
          R"(chain_events_total{pattern="room:*"} 3)",
          R"(chain_broadcasts_total{pattern="room:*"} 1)",
          R"(chain_exceptions_total{pattern="room:*",hook="in"} 1)",
          R"(chain_leaves_total{pattern="room:*",reason="error"} 1)",
          R"(chain_bad_frames_total{reason="not JSON"} 1)"}) {
        INFO(line << "\n" << reply.body);
        CHECK(has_line(reply.body, line));
    }
    CHECK(reply.body.find("secret") == std::string::npos);
}

TEST_CASE("HEAD /metrics is answered as GET, and other methods are refused") {
    TestServer server(test::room_channel(), {},
                      {.port = 0, .threads = 1, .metrics = [] { return std::string("up 1\n"); }});
    server.start();
    RawClient client(server.port());
    const auto head = client.request("HEAD /metrics HTTP/1.1\r\nHost: t\r\n\r\n", true);
    CHECK(head.status == 200);
    CHECK(head.header("content-type") == metrics_type);
    CHECK(head.header("content-length") == "5");
    CHECK(client.get("/metrics").body == "up 1\n");
    const auto posted =
        client.request("POST /metrics HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
    CHECK(posted.status == 405);
    CHECK(posted.header("allow") == "GET, HEAD");
    CHECK(client.get("/metrics/").status == 404);
}

TEST_CASE("without a setting there is no /metrics") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    CHECK(client.get("/metrics").status == 404);
    CHECK(client.request("HEAD /metrics HTTP/1.1\r\nHost: t\r\n\r\n", true).status == 404);
}

TEST_CASE("metrics that throw are answered 500, without the text, and the server goes on") {
    TestServer server(test::room_channel(), {},
                      {.port = 0, .threads = 1, .metrics = []() -> std::string {
                           throw std::runtime_error("why");
                       }});
    server.start();
    RawClient client(server.port());
    const auto reply = client.get("/metrics");
    CHECK(reply.status == 500);
    CHECK(reply.body == "internal error\n");
    CHECK(client.get("/healthz").status == 200);
}

TEST_CASE("a server without a handler serves the metrics of another one, at a port of its own") {
    const auto metrics = std::make_shared<chain::PrometheusObserver>(nullptr);
    chain::Server inner{{.address = "127.0.0.1", .port = 0, .threads = 1, .metrics = [metrics] {
                             return metrics->text();
                         }}};
    inner.listen().start();
    metrics->session_opened();
    CHECK(has_line(RawClient(inner.port()).get("/metrics").body, "chain_sessions 1"));
    inner.stop();
}
