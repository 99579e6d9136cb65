// One handler and one topic for clients of every dialect and transport.
#include "../support/catch.hpp"
#include "support/phoenix_client.hpp"
#include "support/poll_client.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"

#include <chain/serializers/phoenix.hpp>
#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

using namespace std::string_literals;
using chain::Json, chain::Payload, chain::Socket;
using test::PhoenixClient, test::SseBrowser, test::SseStream, test::TestServer;

namespace {

const std::string v1_join = R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})";

/// A member of each kind in `room:a`.
struct Everybody {
    explicit Everybody(unsigned threads)
        : server(test::room_channel(), {}, {.port = 0, .threads = threads}) {
        server.handler.add(std::make_shared<chain::SseTransport>())
            .add(std::make_shared<chain::WebSocketTransport>())
            .add(std::make_shared<chain::LongPollTransport>());
        server.start();
        chain.emplace(server.member("room:a"));
        v1.emplace(server.port(), "?vsn=1.0.0");
        REQUIRE(v1->ask(v1_join) == R"({"topic":"room:a","event":"phx_reply",)"
                                    R"("payload":{"status":"ok","response":{}},"ref":"1"})");
        v2.emplace(server.port());
        v2->join("room:a");
        browser.emplace(server.port());
        stream.emplace(browser->open());
        REQUIRE(browser->say(R"([0,1,1,"room:a","_join",{}])").status == 200);
        REQUIRE(stream->receive() == "[1,1,1,0,{}]");
        poll.emplace(server.port(), "?vsn=2.0.0").open();
        REQUIRE(poll->say(R"(["1","1","room:a","phx_join",{}])") == 200);
        REQUIRE(poll->receive() ==
                R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])");
    }

    /// Everybody has got the event `say` with this payload.
    void all_get(const std::string& payload) {
        const auto chain_frame = R"([2,"room:a","say",)" + payload + "]";
        CHECK(chain->receive() == chain_frame);
        CHECK(stream->receive() == chain_frame);
        CHECK(v1->receive() ==
              R"({"topic":"room:a","event":"say","payload":)" + payload + R"(,"ref":null})");
        CHECK(v2->receive() == R"([null,null,"room:a","say",)" + payload + "]");
        CHECK(poll->receive() == R"([null,null,"room:a","say",)" + payload + "]");
    }

    TestServer server;
    std::optional<test::RawClient> chain;
    std::optional<PhoenixClient> v1, v2;
    std::optional<SseBrowser> browser;
    std::optional<SseStream> stream;
    std::optional<test::PollClient> poll;
};

} // namespace

TEST_CASE("clients of chain and Phoenix, over WebSocket, SSE and polls, hear one another") {
    Everybody room(GENERATE(1U, 2U));
    room.chain->send_text(R"([0,1,2,"room:a","say",{"from":"chain"}])");
    room.all_get(R"({"from":"chain"})");
    REQUIRE(room.browser->say(R"([0,1,2,"room:a","say",{"from":"sse"}])").status == 200);
    room.all_get(R"({"from":"sse"})");
    room.v1->send(R"({"topic":"room:a","event":"say","payload":{"from":"v1"},"ref":"2"})");
    room.all_get(R"({"from":"v1"})");
    room.v2->send(R"(["1","2","room:a","say",{"from" : "v2", "path":"\/a"}])");
    room.all_get(R"({"from":"v2","path":"\/a"})");
    REQUIRE(room.poll->say(R"(["1","2","room:a","say",{"from":"poll"}])") == 200);
    room.all_get(R"({"from":"poll"})");
    REQUIRE_FALSE(room.server.handler.pubsub().broadcast("room:a", "say", Json{{"from", "/é"}}));
    room.all_get(R"({"from":"/é"})");
}

TEST_CASE("bytes reach every client in the form that it can read, and harm nobody") {
    Everybody room(GENERATE(1U, 2U));
    room.v2->send_binary("\0\1\1\6\3"
                         "12room:asay\1\2\3\4"s);
    CHECK(room.v2->receive_binary() == "\2\6\3room:asay\1\2\3\4"s);
    CHECK(room.chain->receive() == R"([2,"room:a","say",{"$binary":"AQIDBA=="}])");
    CHECK(room.stream->receive() == R"([2,"room:a","say",{"$binary":"AQIDBA=="}])");
    CHECK(room.v1->receive() ==
          R"({"topic":"room:a","event":"say","payload":{"$binary":"AQIDBA=="},"ref":null})");
    CHECK(room.poll->receive() == R"([null,null,"room:a","say",{"$binary":"AQIDBA=="}])");
    room.v1->send(R"({"topic":"room:a","event":"say","payload":{"after":1},"ref":"2"})");
    room.all_get(R"({"after":1})");
}

TEST_CASE("phoenix 59: what is not seen by an out handler is the same bytes for all of a dialect") {
    TestServer server(test::room_channel(), {}, {.port = 0, .threads = 2});
    server.start();
    std::vector<PhoenixClient> clients;
    for (int i = 0; i < 6; ++i) {
        clients.emplace_back(server.port());
        clients.back().join("room:a");
    }
    clients[0].send(R"(["1","2","room:a","say",{"n":1}])");
    for (auto& client : clients) CHECK(client.receive() == R"([null,null,"room:a","say",{"n":1}])");
}
