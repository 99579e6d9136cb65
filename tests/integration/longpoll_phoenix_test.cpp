// Long-polling in Phoenix's dialects. The numbers are those of the conformance list of its
// protocol.
#include "../support/catch.hpp"
#include "support/poll_client.hpp"
#include "support/poll_server.hpp"
#include "support/test_server.hpp"

#include <chain/transports/longpoll.hpp>
#include <chain/transports/websocket.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using chain::Json, chain::Payload, chain::Reply, chain::Request, chain::Session, chain::Socket;
using test::PollClient, test::PollServer, test::RawClient, test::TestServer;

namespace {

const std::string version2 = "?vsn=2.0.0";
const std::string v2_join = R"(["1","1","room:a","phx_join",{}])";
const std::string v2_joined = R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])";

std::string v2_said(const std::string& payload) {
    return R"([null,null,"room:a","say",)" + payload + "]";
}

int status_of(const test::HttpReply& reply) { return Json::parse(reply.body).at("status"); }

} // namespace

TEST_CASE(
    "phoenix 68: a v2_join over long-polling is answered in the dialect of the client's version") {
    PollServer server;
    PollClient two(server.port(), version2);
    two.open();
    REQUIRE(two.say(v2_join) == 200);
    const auto reply = two.poll();
    CHECK(reply.status == 200);
    CHECK(reply.messages == std::vector<std::string>{v2_joined});
    PollClient one(server.port(), "?vsn=1.0.0");
    one.open();
    REQUIRE(one.say(R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"7"})",
                    "application/json") == 200);
    CHECK(one.receive() == R"({"topic":"room:a","event":"phx_reply",)"
                           R"("payload":{"status":"ok","response":{}},"ref":"7"})");
    REQUIRE(one.say(R"({"topic":"phoenix","event":"heartbeat","payload":{},"ref":"8"})") == 200);
    CHECK(one.receive() == R"({"topic":"phoenix","event":"phx_reply",)"
                           R"("payload":{"status":"ok","response":{}},"ref":"8"})");
}

TEST_CASE("phoenix 69: a version that is not spoken gets status 403 with HTTP 200") {
    PollServer server;
    RawClient client(server.port());
    for (const std::string query : {"?vsn=1.1.0", "?vsn=2", "?vsn=2.0.0-rc.1", "?vsn[]=2.0.0"}) {
        INFO(query);
        const auto refused = client.get("/socket/longpoll" + query);
        CHECK(refused.status == 200);
        CHECK(status_of(refused) == 403);
        CHECK(refused.header("cache-control") == "no-store");
    }
    CHECK(server.handler.sessions() == 0);
    for (const std::string query : {"?vsn=1.0.5", "?vsn=2.0.9", ""}) {
        INFO(query);
        CHECK(status_of(client.get("/socket/longpoll" + query)) == 410);
    }
}

TEST_CASE("phoenix 72: lines of text and of base64 are handled in order, a stale one is ignored") {
    PollServer server;
    PollClient client(server.port(), version2);
    client.open();
    // Pushes of version 2 in its binary form: joinRef "1" or "9", ref "2", room:a, say.
    const std::string bytes = "AAEBBgMxMnJvb206YXNheQECAw=="; // the payload is 1 2 3
    const std::string stale = "AAEBBgM5MnJvb206YXNheQk=";
    const auto body = v2_join + "\n" + R"(["1","2","room:a","say",{"n":1}])" + "\r\n" + bytes +
                      "\n" + stale + "\n" + R"(["9","3","room:a","say",{"n":"stale"}])" + "\n\n" +
                      R"([null,"4","room:a","say",{"n":2}])" + "\n";
    REQUIRE(client.say(body) == 200);
    CHECK(client.receive() == v2_joined);
    CHECK(client.receive() == v2_said(R"({"n":1})"));
    CHECK(client.receive() == v2_said(R"({"$binary":"AQID"})"));
    CHECK(client.receive() == v2_said(R"({"n":2})"));
    REQUIRE(client.say(R"(["1","5","room:a","echo",{"end":true}])") == 200);
    CHECK(client.receive() ==
          R"(["1","5","room:a","phx_reply",{"status":"ok","response":{"end":true}}])");
}

TEST_CASE("bytes of the server come to a polling client as text, and harm nobody") {
    auto room = test::room_channel();
    room.on("bytes", [](Socket&, const Json&) { return Reply::ok(Payload::from_bytes("\1\2")); });
    PollServer server({}, {}, room);
    PollClient client(server.port(), version2);
    client.open();
    REQUIRE(client.say(v2_join) == 200);
    REQUIRE(client.receive() == v2_joined);
    REQUIRE(client.say(R"(["1","2","room:a","bytes",{}])") == 200);
    CHECK(client.receive() ==
          R"(["1","2","room:a","phx_reply",{"status":"ok","response":{"$binary":"AQI="}}])");
    REQUIRE_FALSE(
        server.handler.pubsub().broadcast("room:a", "say", Payload::from_bytes("\xff\xfe")));
    CHECK(client.receive() == v2_said(R"({"$binary":"//4="})"));
}

TEST_CASE("a polling client's token is read when its session is opened") {
    PollServer server;
    server.handler.on_connect(
        [](Session&, const Request& request) -> std::optional<chain::Refusal> {
            if (request.auth_token == "a+b/c==") return std::nullopt;
            return chain::Refusal{401, "who are you"};
        });
    RawClient client(server.port());
    CHECK(status_of(client.get("/socket/longpoll" + version2)) == 403);
    const auto opened =
        client.get("/socket/longpoll" + version2, "X-Phoenix-AuthToken: a+b/c==\r\n");
    REQUIRE(status_of(opened) == 410);
    PollClient polls(server.port(), version2);
    polls.token = Json::parse(opened.body).at("token");
    REQUIRE(polls.say(v2_join) == 200);
    CHECK(polls.receive() == v2_joined);
}

TEST_CASE("a session that is disconnected by its name is gone for its next poll") {
    PollServer server;
    server.handler.on_connect([](Session& session, const Request&) { session.name("ann"); });
    PollClient client(server.port(), version2);
    client.open();
    test::ask_and_wait(client, server.port());
    server.handler.disconnect("ann");
    CHECK(client.answer().status == 204);
    CHECK(client.poll().status == 410);
}
