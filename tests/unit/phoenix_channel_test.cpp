// Phoenix clients of channels: negotiation, heartbeats, joins, leaves, events and broadcasts.
#include "../support/phoenix.hpp"

#include <chain/serializers/phoenix.hpp>

#include <stdexcept>

using chain::Errc, chain::Json, chain::Payload, chain::Reply, chain::Socket;
using test::answers, test::Frames, test::PhoenixRoom, test::v2, test::v2_closed, test::v2_reply,
    test::v2_unmatched, test::vsn;

namespace {

Reply join_phoenix_room(Socket& socket, const Json& params) {
    const auto wish = params.is_object() ? params.value("wish", "") : "";
    if (wish == "refuse") return Reply::error(Json{{"why", "not you"}});
    if (wish == "crash") throw std::runtime_error("on purpose");
    if (wish == "answer") return Reply::ok({{"hello", socket.topic()}});
    if (wish == "push") {
        socket.broadcast("first", {{"n", 1}});
        socket.push("second", {{"n", 2}});
    }
    if (wish == "stop") socket.leave();
    return Reply::ok();
}

chain::Channel phoenix_channel() {
    chain::Channel room{"room:*"};
    room.on_join(join_phoenix_room);
    room.on("echo", [](Socket&, const Payload& payload) { return Reply::ok(payload); });
    room.on("fail", [](Socket&) { return Reply::error("no luck"); });
    room.on("silent", [](Socket&) {});
    room.on("crash", [](Socket&) { throw std::runtime_error("on purpose"); });
    room.on("status", [](Socket&, const Json& payload) {
        return Reply::with_status(payload.at("status").get<std::string>());
    });
    room.on("say", [](Socket& socket, const Payload& p) { socket.broadcast("said", p); });
    room.on("tell", [](Socket& socket, const Payload& p) { socket.broadcast_from("said", p); });
    room.on("stop", [](Socket& socket) { socket.leave(); });
    room.on("answer and stop", [](Socket& socket) {
        socket.leave();
        return Reply::ok({{"last", true}});
    });
    return room;
}

std::string crashed(std::string_view join_ref, std::string_view topic) {
    return v2(join_ref, join_ref, topic, "phx_error", R"({"reason":"channel_crash"})");
}

} // namespace

TEST_CASE("phoenix 1: a client without vsn speaks version 1 where that is the default") {
    auto config = test::quiet();
    config.serializer = chain::phoenix_v1();
    PhoenixRoom room(phoenix_channel(), config);
    auto client = room.kit.connect();
    CHECK(answers(client, R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})") ==
          Frames{R"({"topic":"room:a","event":"phx_reply",)"
                 R"("payload":{"status":"ok","response":{}},"ref":"1"})"});
}

TEST_CASE("phoenix 1: a client without vsn speaks the chain protocol unless configured") {
    PhoenixRoom room(phoenix_channel());
    auto client = room.kit.connect();
    test::join(client, "room:a");
    room.join("room:a");
    CHECK(answers(client, test::frame(1, 2, "room:a", "say", R"({"n":1})")) ==
          Frames{R"([2,"room:a","said",{"n":1}])"});
    CHECK(room.client.receive_all() == Frames{R"([null,null,"room:a","said",{"n":1}])"});
}

TEST_CASE("phoenix 2: a client with vsn 2.0.0 sends arrays and gets its references back") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a", "5");
    CHECK(room.answers(v2("5", "9", "room:a", "echo", R"({"a":1})")) ==
          Frames{v2_reply("5", "9", "room:a", "ok", R"({"a":1})")});
}

TEST_CASE("phoenix 3: other versions, and what is no version, are refused without a body") {
    PhoenixRoom room(phoenix_channel());
    for (const std::string version :
         {"1.1.0", "2.1.0", "3.0.0", "0.9.0", "2", "2.0", "abc", "", "2.0.0-rc.1", "2.0.0.1",
          " 2.0.0", "2.0.0 ", "02.0.0", "2.00.0", "2.0.01", "2.0.", "v2.0.0", "2.0.0+", "-2.0.0"}) {
        INFO(version);
        const auto client = room.kit.connect(vsn(version));
        REQUIRE(client.refusal());
        CHECK(client.refusal()->status == 403);
        CHECK(client.refusal()->body == "");
    }
    chain::Request listed;
    listed.query = {{"vsn[]", "2.0.0"}};
    CHECK(room.kit.connect(listed).refusal());
}

TEST_CASE("phoenix 3: the version is looked at before the connect handler") {
    auto handler = test::handler_with({phoenix_channel()});
    int asked = 0;
    handler.on_connect([&](chain::Session&, const chain::Request&) { ++asked; });
    chain::testing::Kit kit{handler};
    CHECK(kit.connect(vsn("3.0.0")).refusal());
    CHECK(asked == 0);
    CHECK_FALSE(kit.connect(vsn("2.0.0")).refusal());
    CHECK(asked == 1);
}

TEST_CASE("phoenix 4: patch versions of 1.0 and 2.0 are served") {
    PhoenixRoom room(phoenix_channel());
    for (const std::string version : {"1.0.0", "1.0.5", "2.0.0", "2.0.9", "2.0.10", "2.0.0+b1"}) {
        INFO(version);
        CHECK_FALSE(room.kit.connect(vsn(version)).refusal());
    }
}

TEST_CASE("a handler may refuse Phoenix clients altogether") {
    auto config = test::quiet();
    config.phoenix = chain::PhoenixClients::refused;
    chain::testing::Kit kit{test::handler_with({phoenix_channel()}, config)};
    CHECK(kit.connect(vsn("2.0.0")).refusal());
    CHECK_FALSE(kit.connect().refusal());
}

TEST_CASE("phoenix 14: a strict handler refuses payloads that are no objects, at the call") {
    auto config = test::quiet();
    config.phoenix = chain::PhoenixClients::strict;
    std::vector<chain::error_code> results;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("try", [&](Socket& socket, const Payload& payload) {
        results = {socket.push("e", payload), socket.broadcast("e", payload),
                   socket.broadcast_from("e", payload)};
    });
    PhoenixRoom clients(room, config);
    auto chain_client = clients.kit.connect();
    test::join(chain_client, "room:a");
    clients.join("room:a");
    for (const auto* payload : {"[1]", "7", "\"text\"", "true"}) {
        CHECK(clients.answers(v2("1", "2", "room:a", "try", payload)).empty());
        CHECK(results == std::vector<chain::error_code>(3, Errc::not_an_object));
    }
    CHECK(chain_client.receive_all().empty());
    CHECK(clients.kit.handler().pubsub().broadcast("room:a", "e", Json::array()) ==
          Errc::not_an_object);
    CHECK(room.broadcast("room:a", "e", 7) == Errc::not_an_object);
    for (const auto* payload : {"{}", "null"}) {
        CHECK(clients.answers(v2("1", "2", "room:a", "try", payload)) ==
              Frames{v2("1", "", "room:a", "e"), v2("", "", "room:a", "e")});
    }
}

TEST_CASE("phoenix 14: elsewhere a payload that is no object reaches Phoenix clients within one") {
    PhoenixRoom room(phoenix_channel());
    auto chain_client = room.kit.connect();
    test::join(chain_client, "room:a");
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "say", "[1,2]")) ==
          Frames{v2("", "", "room:a", "said", R"({"value":[1,2]})")});
    CHECK(chain_client.receive_all() == Frames{R"([2,"room:a","said",[1,2]])"});
}

TEST_CASE("phoenix 15: numbers stay numbers, and are not equal to strings") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(R"([7,8,"room:a","phx_join",{}])") ==
          Frames{R"([7,8,"room:a","phx_reply",{"status":"ok","response":{}}])"});
    CHECK(room.answers(R"(["7","9","room:a","echo",{}])").empty());
    CHECK(room.answers(R"([7,{"a": 1},"room:a","echo",{}])") ==
          Frames{R"([7,{"a":1},"room:a","phx_reply",{"status":"ok","response":{}}])"});
}

TEST_CASE("phoenix 16: a list as response is delivered unchanged") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "echo", "[1,2]")) ==
          Frames{v2_reply("1", "2", "room:a", "ok", "[1,2]")});
}

TEST_CASE("phoenix 17: a heartbeat needs no join") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("", "1", "phoenix", "heartbeat")) ==
          Frames{v2_reply("", "1", "phoenix")});
}

TEST_CASE("phoenix 18: a heartbeat without ref is answered without") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("", "", "phoenix", "heartbeat")) == Frames{v2_reply("", "", "phoenix")});
    auto v1 = room.kit.connect(vsn("1.0.0"));
    CHECK(answers(v1, R"({"topic":"phoenix","event":"heartbeat","payload":{},"ref":null})") ==
          Frames{R"({"topic":"phoenix","event":"phx_reply",)"
                 R"("payload":{"status":"ok","response":{}},"ref":null})"});
}

TEST_CASE("phoenix 19: other events on phoenix are for a topic that is not joined") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("3", "4", "phoenix", "other")) == Frames{v2_unmatched("4", "phoenix")});
    CHECK(room.answers(v2("3", "4", "phoenix", "phx_join")) ==
          Frames{v2_unmatched("4", "phoenix")});
}

TEST_CASE("phoenix 34: the join's reply comes before what the join handler sends") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("1", "1", "room:a", "phx_join", R"({"wish":"push"})")) ==
          Frames{v2_reply("1", "1", "room:a"), v2("", "", "room:a", "first", R"({"n":1})"),
                 v2("1", "", "room:a", "second", R"({"n":2})")});
}

TEST_CASE("phoenix 35: what the join handler returns is the response") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("1", "1", "room:a", "phx_join", R"({"wish":"answer"})")) ==
          Frames{v2_reply("1", "1", "room:a", "ok", R"({"hello":"room:a"})")});
}

TEST_CASE("phoenix 36: a refused join leaves the topic unmatched") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("1", "1", "room:a", "phx_join", R"({"wish":"refuse"})")) ==
          Frames{v2_reply("1", "1", "room:a", "error", R"({"why":"not you"})")});
    CHECK(room.answers(v2("1", "2", "room:a", "echo")) == Frames{v2_unmatched("2", "room:a")});
}

TEST_CASE("phoenix 37: a join handler that throws harms nothing else") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:b", "9");
    CHECK(room.answers(v2("1", "1", "room:a", "phx_join", R"({"wish":"crash"})")) ==
          Frames{v2_reply("1", "1", "room:a", "error", R"({"reason":"join crashed"})")});
    CHECK(room.answers(v2("9", "2", "room:b", "echo")) == Frames{v2_reply("9", "2", "room:b")});
}

TEST_CASE("phoenix 38: a topic that no channel serves is unmatched, without join_ref") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("1", "2", "other:a", "phx_join")) ==
          Frames{v2_unmatched("2", "other:a")});
}

TEST_CASE("phoenix 39: an exact pattern is exact, and a prefix matches the empty rest") {
    chain::Channel exact{"exact"};
    exact.on_join([](Socket&) {});
    chain::testing::Kit kit{test::handler_with({exact, phoenix_channel()})};
    auto client = kit.connect(vsn("2.0.0"));
    CHECK(answers(client, v2("1", "1", "exact", "phx_join")) ==
          Frames{v2_reply("1", "1", "exact")});
    CHECK(answers(client, v2("2", "2", "exact2", "phx_join")) ==
          Frames{v2_unmatched("2", "exact2")});
    CHECK(answers(client, v2("3", "3", "room:", "phx_join")) ==
          Frames{v2_reply("3", "3", "room:")});
}

TEST_CASE("phoenix 40: the longer of two prefixes wins, whichever was added first") {
    chain::Channel longer{"food*"};
    longer.on_join([](Socket&) { return Reply::ok({{"is", "food"}}); });
    chain::Channel shorter{"foo*"};
    shorter.on_join([](Socket&) { return Reply::ok({{"is", "foo"}}); });
    auto handler = GENERATE_COPY(0, 1) == 0 ? test::handler_with({longer, shorter})
                                            : test::handler_with({shorter, longer});
    chain::testing::Kit kit{handler};
    auto client = kit.connect(vsn("2.0.0"));
    CHECK(answers(client, v2("1", "1", "foody", "phx_join")) ==
          Frames{v2_reply("1", "1", "foody", "ok", R"({"is":"food"})")});
    CHECK(answers(client, v2("2", "2", "foot", "phx_join")) ==
          Frames{v2_reply("2", "2", "foot", "ok", R"({"is":"foo"})")});
}

TEST_CASE("phoenix 42: the 101st channel is one too many, and leaving frees a place") {
    PhoenixRoom room(phoenix_channel());
    for (int i = 1; i <= 100; ++i) room.join("room:" + std::to_string(i), std::to_string(i));
    const auto too_many = R"({"reason":"too many channels joined"})";
    CHECK(room.answers(v2("101", "101", "room:a", "phx_join")) ==
          Frames{v2_reply("101", "101", "room:a", "error", too_many)});
    CHECK(room.answers(v2("50", "102", "room:50", "phx_leave")).size() == 2);
    room.join("room:a", "103");

    auto config = test::quiet();
    config.limits.topics_per_session = 1;
    PhoenixRoom small(phoenix_channel(), config);
    small.join("room:a");
    CHECK(small.answers(v2("2", "2", "room:b", "phx_join")) ==
          Frames{v2_reply("2", "2", "room:b", "error", too_many)});
}

TEST_CASE("phoenix 43: an event before the join is unmatched") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("1", "2", "room:a", "echo")) == Frames{v2_unmatched("2", "room:a")});
    CHECK(room.answers(v2("1", "", "room:a", "echo")) == Frames{v2_unmatched("", "room:a")});
}

TEST_CASE("phoenix 44: a leave is answered, then closed with the join's reference") {
    std::vector<chain::LeaveReason> reasons;
    auto channel = phoenix_channel();
    channel.on_leave([&](Socket& socket, chain::LeaveReason why) {
        reasons.push_back(why);
        CHECK(socket.push("late", Json::object()) == Errc::not_joined);
        CHECK_FALSE(socket.broadcast("left", {{"who", 1}}));
    });
    PhoenixRoom room(channel);
    room.join("room:a");
    auto other = room.kit.connect(vsn("2.0.0"));
    CHECK(answers(other, v2("8", "8", "room:a", "phx_join")).size() == 1);
    CHECK(room.answers(v2("1", "5", "room:a", "phx_leave")) ==
          Frames{v2_reply("1", "5", "room:a"), v2_closed("1", "room:a")});
    CHECK(reasons == std::vector{chain::LeaveReason::leave});
    CHECK(other.receive_all() == Frames{v2("", "", "room:a", "left", R"({"who":1})")});
    CHECK(room.answers(v2("1", "6", "room:a", "echo")) == Frames{v2_unmatched("6", "room:a")});
}

TEST_CASE("phoenix 45: a leave of a topic that is not joined is answered ok") {
    PhoenixRoom room(phoenix_channel());
    CHECK(room.answers(v2("4", "5", "room:a", "phx_leave")) ==
          Frames{v2_reply("4", "5", "room:a")});
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "phx_leave")).size() == 2);
    CHECK(room.answers(v2("1", "3", "room:a", "phx_leave")) ==
          Frames{v2_reply("1", "3", "room:a")});
}

TEST_CASE("phoenix 46: a stale leave is ignored, one without join_ref is not") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a", "3");
    CHECK(room.answers(v2("1", "4", "room:a", "phx_leave")).empty());
    CHECK(room.answers(v2("3", "5", "room:a", "echo")).size() == 1);
    CHECK(room.answers(v2("", "6", "room:a", "phx_leave")) ==
          Frames{v2_reply("3", "6", "room:a"), v2_closed("3", "room:a")});
}

TEST_CASE("phoenix 47: a stale event is ignored, one without join_ref is not") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a", "3");
    CHECK(room.answers(v2("1", "4", "room:a", "echo")).empty());
    CHECK(room.answers(v2("", "5", "room:a", "echo")) == Frames{v2_reply("3", "5", "room:a")});
}

TEST_CASE("phoenix 48: a second join is answered, then the first is closed, then pushes come") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a", "1");
    CHECK(room.answers(v2("2", "2", "room:a", "phx_join", R"({"wish":"push"})")) ==
          Frames{v2_reply("2", "2", "room:a"), v2_closed("1", "room:a"),
                 v2("", "", "room:a", "first", R"({"n":1})"),
                 v2("2", "", "room:a", "second", R"({"n":2})")});
    CHECK(room.answers(v2("1", "3", "room:a", "echo")).empty());
    CHECK(room.answers(v2("1", "4", "room:a", "phx_leave")).empty());
    CHECK(room.answers(v2("2", "5", "room:a", "echo")) == Frames{v2_reply("2", "5", "room:a")});
}

TEST_CASE("phoenix 48: a second join that is refused, or bears the same reference") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a", "1");
    CHECK(room.answers(v2("2", "2", "room:a", "phx_join", R"({"wish":"refuse"})")) ==
          Frames{v2_reply("2", "2", "room:a", "error", R"({"why":"not you"})"),
                 v2_closed("1", "room:a")});
    room.join("room:a", "3");
    CHECK(room.answers(v2("3", "4", "room:a", "phx_join")) == Frames{v2_reply("3", "4", "room:a")});
}

TEST_CASE("phoenix 48: version 1 without join_ref hears nothing of the membership replaced") {
    PhoenixRoom room(phoenix_channel());
    auto client = room.kit.connect(vsn("1.0.0"));
    const auto join = [&](const std::string& ref) {
        return answers(client, R"({"topic":"room:a","event":"phx_join","payload":{},"ref":")" +
                                   ref + "\"}");
    };
    CHECK(join("1").size() == 1);
    CHECK(join("2") == Frames{R"({"topic":"room:a","event":"phx_reply",)"
                              R"("payload":{"status":"ok","response":{}},"ref":"2"})"});
    CHECK(answers(client, R"({"topic":"room:a","event":"phx_leave","payload":{},"ref":"3"})") ==
          Frames{R"({"topic":"room:a","event":"phx_reply",)"
                 R"("payload":{"status":"ok","response":{}},"ref":"3"})",
                 R"({"topic":"room:a","event":"phx_close","payload":{},"ref":null})"});
}

TEST_CASE("phoenix 49: a leave and a join behind it") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a", "1");
    room.client.send(v2("1", "2", "room:a", "phx_leave"));
    room.client.send(v2("3", "3", "room:a", "phx_join"));
    room.client.send(v2("3", "4", "room:a", "echo"));
    CHECK(room.client.receive_all() ==
          Frames{v2_reply("1", "2", "room:a"), v2_closed("1", "room:a"),
                 v2_reply("3", "3", "room:a"), v2_reply("3", "4", "room:a")});
}

TEST_CASE("phoenix 51: a handler that throws ends its membership with an error") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a");
    room.join("room:b", "9");
    CHECK(room.answers(v2("1", "2", "room:a", "crash")) == Frames{crashed("1", "room:a")});
    CHECK(room.answers(v2("1", "3", "room:a", "echo")) == Frames{v2_unmatched("3", "room:a")});
    CHECK(room.answers(v2("9", "4", "room:b", "echo")) == Frames{v2_reply("9", "4", "room:b")});
    room.join("room:a", "5");
    CHECK(room.answers(v2("5", "6", "room:a", "echo")) == Frames{v2_reply("5", "6", "room:a")});
}

TEST_CASE("phoenix 52: a membership that the application ends is closed, after its answer") {
    std::vector<chain::LeaveReason> reasons;
    auto channel = phoenix_channel();
    channel.on_leave([&](Socket&, chain::LeaveReason why) { reasons.push_back(why); });
    PhoenixRoom room(channel);
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "stop")) == Frames{v2_closed("1", "room:a")});
    room.join("room:a", "3");
    CHECK(room.answers(v2("3", "4", "room:a", "answer and stop")) ==
          Frames{v2_reply("3", "4", "room:a", "ok", R"({"last":true})"), v2_closed("3", "room:a")});
    CHECK(room.answers(v2("5", "5", "room:a", "phx_join", R"({"wish":"stop"})")) ==
          Frames{v2_reply("5", "5", "room:a"), v2_closed("5", "room:a")});
    CHECK(reasons == std::vector(3, chain::LeaveReason::stop));
    CHECK(room.answers(v2("5", "6", "room:a", "echo")) == Frames{v2_unmatched("6", "room:a")});
}

TEST_CASE("phoenix 52: a socket kept elsewhere can end its membership, once") {
    std::optional<Socket> kept;
    chain::Channel channel{"room:*"};
    channel.on_join([&](Socket& socket) { kept = socket; });
    PhoenixRoom room(channel);
    room.join("room:a");
    CHECK_FALSE(kept->leave());
    room.kit.run();
    CHECK(room.client.receive_all() == Frames{v2_closed("1", "room:a")});
    CHECK(kept->leave() == Errc::not_joined);
    auto chain_client = room.kit.connect();
    test::join(chain_client, "room:b", 4);
    CHECK_FALSE(kept->leave());
    room.kit.run();
    CHECK(chain_client.receive_all() == Frames{R"([0,4,0,"room:b","_close",{}])"});
}

TEST_CASE("phoenix 53: when the client goes, its memberships end with reason close") {
    std::vector<chain::LeaveReason> reasons;
    auto channel = phoenix_channel();
    channel.on_leave([&](Socket&, chain::LeaveReason why) { reasons.push_back(why); });
    PhoenixRoom room(channel);
    room.join("room:a");
    room.join("room:b", "2");
    room.client.disconnect();
    CHECK(reasons == std::vector(2, chain::LeaveReason::close));
}

TEST_CASE("phoenix 54: another status than ok and error reaches the client by its name") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "status", R"({"status":"teapot"})")) ==
          Frames{v2_reply("1", "2", "room:a", "teapot")});
    CHECK(room.answers(v2("1", "3", "room:a", "status", R"({"status":"ok"})")) ==
          Frames{v2_reply("1", "3", "room:a", "ok")});
    CHECK_THROWS_AS(Reply::with_status(""), std::invalid_argument);
    CHECK_THROWS_AS(Reply::with_status("\xFF"), std::invalid_argument);
    auto chain_client = room.kit.connect();
    test::join(chain_client, "room:a");
    CHECK(answers(chain_client, test::frame(1, 2, "room:a", "status", R"({"status":"teapot"})")) ==
          Frames{"[1,1,2,1,{}]"});
}

TEST_CASE("phoenix 57: a broadcast reaches all without join_ref, broadcast_from not its sender") {
    PhoenixRoom room(phoenix_channel());
    auto other = room.kit.connect(vsn("2.0.0"));
    room.join("room:a");
    CHECK(answers(other, v2("7", "7", "room:a", "phx_join")).size() == 1);
    const auto said = v2("", "", "room:a", "said", R"({"n":1})");
    CHECK(room.answers(v2("1", "2", "room:a", "say", R"({"n":1})")) == Frames{said});
    CHECK(other.receive_all() == Frames{said});
    CHECK(room.answers(v2("1", "2", "room:a", "tell", R"({"n":1})")).empty());
    CHECK(other.receive_all() == Frames{said});
}

TEST_CASE("phoenix 58: what a handler sends, its answer, and then what out handlers see") {
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on("go", [](Socket& socket) {
        socket.push("p1", {{"n", 1}});
        socket.broadcast("b1", {{"n", 2}});
        socket.broadcast("seen", {{"n", 3}});
        socket.push("p2", {{"n", 4}});
        return Reply::ok();
    });
    channel.on_out("seen", [](Socket&, Json payload) -> std::optional<Json> { return payload; });
    PhoenixRoom room(channel);
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "go")) ==
          Frames{v2("1", "", "room:a", "p1", R"({"n":1})"),
                 v2("", "", "room:a", "b1", R"({"n":2})"),
                 v2("1", "", "room:a", "p2", R"({"n":4})"), v2_reply("1", "2", "room:a"),
                 v2("1", "", "room:a", "seen", R"({"n":3})")});
}

TEST_CASE("phoenix 59: an out handler drops or alters a broadcast for each recipient") {
    chain::Channel channel{"room:*"};
    channel.on_join(
        [](Socket& socket, const Json& params) { socket.set("name", params.value("name", "")); });
    channel.on("seen", [](Socket& socket, const Payload& p) { socket.broadcast("seen", p); });
    channel.on_out("seen", [](Socket& socket, Json payload) -> std::optional<Json> {
        const auto name = socket.get("name").get<std::string>();
        if (name == "bob") return std::nullopt;
        payload["for"] = name;
        return payload;
    });
    PhoenixRoom room(channel);
    std::vector<chain::testing::Client> clients;
    for (const std::string name : {"ann", "bob", "cleo"}) {
        auto client = room.kit.connect(vsn("2.0.0"));
        client.send(v2("1", "1", "room:a", "phx_join", R"({"name":")" + name + "\"}"));
        CHECK(client.receive_all().size() == 1);
        clients.push_back(client);
    }
    clients[0].send(v2("1", "2", "room:a", "seen", R"({"n":1})"));
    CHECK(clients[0].receive_all() ==
          Frames{v2("1", "", "room:a", "seen", R"({"for":"ann","n":1})")});
    CHECK(clients[1].receive_all().empty());
    CHECK(clients[2].receive_all() ==
          Frames{v2("1", "", "room:a", "seen", R"({"for":"cleo","n":1})")});
}

TEST_CASE("phoenix 60: a subscription to another topic is forwarded as the channel's own push") {
    struct State {
        chain::Subscription news;
    };
    chain::Channel channel{"room:*"};
    std::optional<chain::PubSub> pubsub;
    channel.on_join([&](Socket& socket) {
        socket.state<State>().news =
            pubsub->subscribe("news", [socket](std::string_view, const Payload& payload) mutable {
                socket.push("news", payload);
            });
    });
    PhoenixRoom room(channel);
    pubsub = room.kit.handler().pubsub();
    room.join("room:a", "4");
    CHECK_FALSE(pubsub->publish("news", Json{{"n", 1}}));
    room.kit.run();
    CHECK(room.client.receive_all() == Frames{v2("4", "", "room:a", "news", R"({"n":1})")});
}

TEST_CASE("a Phoenix client may name events that others reserve, and hears of those unknown") {
    PhoenixRoom room(phoenix_channel());
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "phx_reply")) ==
          Frames{v2_reply("1", "2", "room:a", "error", R"({"reason":"unknown event"})")});
    CHECK(room.answers(v2("1", "3", "room:a, b", "echo")) ==
          Frames{v2_reply("", "3", "room:a, b", "error", R"({"reason":"invalid topic"})")});
}

TEST_CASE("a frame that is none closes a Phoenix client with a code that lets it come back") {
    PhoenixRoom room(phoenix_channel());
    room.client.send("[]");
    CHECK(room.client.close_code() == 1008);
    auto v1 = room.kit.connect(vsn("1.0.0"));
    v1.send_binary("x");
    CHECK(v1.close_code() == 1003);
}
