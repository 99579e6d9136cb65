// The chain protocol's frames and answers, on exact bytes.
#include "../support/core.hpp"

#include <stdexcept>

using chain::Json, chain::Reply, chain::Socket;
using test::frame, test::Frames;

namespace {

struct Point {
    int x = 0;
};

void from_json(const Json& json, Point& point) { point.x = json.at("x").get<int>(); }

Reply join_room(Socket&, const Json& params) {
    const auto wish = params.is_object() ? params.value("wish", "") : "";
    if (wish == "refuse") return Reply::error("not you");
    if (wish == "explain") return Reply::error(Json{{"reason", "full"}, {"free", 0}});
    if (wish == "crash") throw std::runtime_error("the secret text");
    if (wish == "crash oddly") throw 42;
    return Reply::ok({{"got", params}});
}

chain::Channel room_channel() {
    chain::Channel room{"room:*"};
    room.on_join(join_room);
    room.on("echo", [](Socket&, const chain::Payload& payload) { return Reply::ok(payload); });
    room.on("json", [](Socket&, const Json& payload) -> Json { return {{"was", payload}}; });
    room.on("fail", [](Socket&) { return Reply::error("no luck"); });
    room.on("fail with", [](Socket&, const Json& p) { return Reply::error(p); });
    room.on("silent", [](Socket&) {});
    room.on("point", [](Socket&, const Point& point) { return Reply::ok(Json(point.x)); });
    room.on("crash", [](Socket&) -> Reply { throw std::runtime_error("the secret text"); });
    room.on("say", [](Socket& socket, const chain::Payload& p) { socket.broadcast("said", p); });
    return room;
}

struct Room {
    explicit Room(chain::HandlerConfig config = test::quiet())
        : kit(test::handler_with({room_channel()}, std::move(config))) {}

    Frames answers(std::string_view text) {
        client.send(text);
        return client.receive_all();
    }

    chain::testing::Kit kit;
    chain::testing::Client client = kit.connect();
};

std::string error(int join_ref, int ref, std::string_view reason) {
    return "[1," + std::to_string(join_ref) + "," + std::to_string(ref) + R"(,1,{"reason":")" +
           std::string(reason) + "\"}]";
}

} // namespace

TEST_CASE("an accepted join is answered with the handler's payload") {
    Room room;

    CHECK(room.answers(R"([0,7,9,"room:a","_join",{"name":"ann"}])") ==
          Frames{R"([1,7,9,0,{"got":{"name":"ann"}}])"});
}

TEST_CASE("a refused join is answered with the handler's error, and the topic "
          "is not joined") {
    Room room;

    CHECK(room.answers(R"([0,1,1,"room:a","_join",{"wish":"refuse"}])") ==
          Frames{error(1, 1, "not you")});
    CHECK(room.answers(R"([0,2,2,"room:a","_join",{"wish":"explain"}])") ==
          Frames{R"([1,2,2,1,{"free":0,"reason":"full"}])"});
    CHECK(room.answers(frame(2, 3, "room:a", "echo")) == Frames{error(2, 3, "unmatched topic")});
}

TEST_CASE("a join whose handler throws is answered join crashed, without the text") {
    Room room;

    CHECK(room.answers(R"([0,1,1,"room:a","_join",{"wish":"crash"}])") ==
          Frames{error(1, 1, "join crashed")});
    CHECK(room.answers(R"([0,1,2,"room:a","_join",{"wish":"crash oddly"}])") ==
          Frames{error(1, 2, "join crashed")});
    CHECK(room.answers(R"([0,1,3,"room:a","_join",{"wish":4}])") ==
          Frames{error(1, 3, "bad payload")});
    CHECK(room.answers(frame(1, 4, "room:a", "_join")).at(0).starts_with("[1,1,4,0,"));
}

TEST_CASE("topics with a wildcard cannot be joined") {
    Room room;

    const auto topic = GENERATE("room:*", "*", "room:*x", "room:a*");
    CHECK(room.answers(frame(1, 1, topic, "_join")) ==
          Frames{error(1, 1, "joining topics with wildcard is not allowed")});
    CHECK(room.answers(frame(1, 2, topic, "echo")) == Frames{error(1, 2, "invalid topic")});
    CHECK(room.answers(frame(1, 3, topic, "_leave")) == Frames{error(1, 3, "invalid topic")});
}

TEST_CASE("any frame with a topic that is not allowed is answered invalid topic") {
    Room room;

    const auto topic =
        GENERATE(as<std::string>(), "", " ", "room:a ", " room:a", "room:a,b", "room:\\u0001",
                 "room:\\n", "room:\\u007f", "room:" + std::string(251, 'x'));
    for (const auto* event : {"_join", "_leave", "echo"})
        CHECK(room.answers(frame(1, 2, topic, event)) == Frames{error(1, 2, "invalid topic")});
}

TEST_CASE("topics are compared byte for byte") {
    Room room;

    const auto topic = GENERATE(as<std::string>(), "room:" + std::string(250, 'x'), "room:a b",
                                "room:\xC3\xA9", "room:", "room:\xC2\xA0");
    CHECK(room.answers(frame(1, 1, topic, "_join")).at(0).starts_with("[1,1,1,0,"));
    CHECK(room.answers(frame(1, 2, "Room:a b", "echo")) == Frames{error(1, 2, "unmatched topic")});
    CHECK(room.answers(frame(1, 2, topic, "echo", "1")) == Frames{"[1,1,2,0,1]"});
}

TEST_CASE("an escaped topic is the same as the plain one") {
    Room room;
    test::join(room.client, "room:a");

    CHECK(room.answers(R"([0,1,2,"\u0072oom:\u0061","ech\u006f",1])") == Frames{"[1,1,2,0,1]"});
}

TEST_CASE("topics that no channel serves, or that are not joined, are unmatched") {
    Room room;

    CHECK(room.answers(frame(1, 1, "hall:a", "_join")) == Frames{error(1, 1, "unmatched topic")});
    CHECK(room.answers(frame(0, 2, "hall:a", "echo")) == Frames{error(0, 2, "unmatched topic")});
    CHECK(room.answers(frame(3, 4, "room:a", "echo")) == Frames{error(3, 4, "unmatched topic")});
}

TEST_CASE("the topics _chain and phoenix cannot be joined, even by a channel "
          "of everything") {
    chain::Channel all{"*"};
    all.on_join([](Socket&) {});
    chain::testing::Kit kit{test::handler_with({all})};
    auto client = kit.connect();

    const auto topic = GENERATE("_chain", "phoenix");
    client.send(frame(1, 1, topic, "_join"));
    client.send(frame(1, 2, topic, "echo"));
    CHECK(client.receive_all() ==
          Frames{error(1, 1, "unmatched topic"), error(1, 2, "unmatched topic")});
}

TEST_CASE("a join past the topics-per-session limit is refused until a topic "
          "is left") {
    const auto observer = std::make_shared<test::RecordingObserver>();
    chain::HandlerConfig config;
    config.observer = observer;
    config.limits.topics_per_session = 2;
    Room room{config};
    test::join(room.client, "room:a", 1);
    test::join(room.client, "room:b", 2);

    CHECK(room.answers(frame(3, 3, "room:c", "_join")) == Frames{error(3, 3, "too many topics")});
    CHECK(observer->count("over topics_per_session") == 1);
    CHECK(room.answers(frame(4, 4, "room:a", "_join")) ==
          Frames{R"([0,1,0,"room:a","_close",{}])", R"([1,4,4,0,{"got":{}}])"});
    CHECK(room.answers(frame(4, 5, "room:a", "_leave")) == Frames{"[1,4,5,0,{}]"});
    CHECK(room.answers(frame(6, 6, "room:c", "_join")) == Frames{R"([1,6,6,0,{"got":{}}])"});
}

TEST_CASE("a join of a joined topic ends the old membership first") {
    Frames said;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket&) { said.push_back("join"); });
    room.on_leave([&](Socket&, chain::LeaveReason why) {
        said.push_back(why == chain::LeaveReason::rejoin ? "leave by rejoin" : "leave otherwise");
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a", 1);

    client.send(frame(2, 2, "room:a", "_join"));
    CHECK(client.receive_all() == Frames{R"([0,1,0,"room:a","_close",{}])", "[1,2,2,0,{}]"});
    CHECK(said == Frames{"join", "leave by rejoin", "join"});

    client.send(frame(2, 1, "room:a", "_join"));
    CHECK(client.receive_all() == Frames{"[1,2,1,0,{}]"});
    CHECK(said.size() == 5);
}

TEST_CASE("a leave with the current joinRef, or 0, or of a topic not joined is "
          "answered ok") {
    Room room;
    test::join(room.client, "room:a", 1);
    test::join(room.client, "room:b", 2);

    CHECK(room.answers(frame(1, 3, "room:a", "_leave")) == Frames{"[1,1,3,0,{}]"});
    CHECK(room.answers(frame(0, 4, "room:b", "_leave")) == Frames{"[1,0,4,0,{}]"});
    CHECK(room.answers(frame(9, 5, "room:c", "_leave")) == Frames{"[1,9,5,0,{}]"});
    CHECK(room.answers(frame(1, 6, "room:a", "echo")) == Frames{error(1, 6, "unmatched topic")});
}

TEST_CASE("pushes and leaves of an earlier membership are ignored") {
    Room room;
    test::join(room.client, "room:a", 1);
    test::join(room.client, "room:b", 2);
    room.answers(frame(5, 5, "room:a", "_join"));

    CHECK(room.answers(frame(1, 6, "room:a", "echo")).empty());
    CHECK(room.answers(frame(1, 7, "room:a", "_leave")).empty());
    CHECK(room.answers(frame(1, 8, "room:a", "no such event")).empty());
    CHECK(room.answers(frame(5, 9, "room:a", "echo", "1")) == Frames{"[1,5,9,0,1]"});
    CHECK(room.answers(frame(0, 10, "room:a", "echo", "2")) == Frames{"[1,5,10,0,2]"});
}

TEST_CASE("events without a handler, and names that are not allowed, have "
          "answers of their own") {
    Room room;
    test::join(room.client, "room:a");

    CHECK(room.answers(frame(1, 2, "room:a", "nothing")) == Frames{error(1, 2, "unknown event")});
    CHECK(room.answers(frame(1, 3, "room:a", "a,b")) ==
          Frames{error(1, 3, "commas are not allowed in event")});
    for (const auto& event : {std::string(), std::string("_mine"), std::string("_heartbeat"),
                              std::string("a\\tb"), std::string(256, 'e')})
        CHECK(room.answers(frame(1, 4, "room:a", event)) == Frames{error(1, 4, "invalid event")});
    CHECK(room.answers(frame(1, 5, "room:a", std::string(255, 'e'))) ==
          Frames{error(1, 5, "unknown event")});
}

TEST_CASE("a join while the server drains is told when to come back") {
    auto config = test::quiet();
    config.timeouts.restart = std::chrono::milliseconds(2500);
    Room room{config};
    room.kit.handler().drain(std::chrono::seconds(5), [] {});

    CHECK(room.answers(frame(1, 1, "room:a", "_join")) ==
          Frames{R"([1,1,1,1,{"reason":"draining","retry_after_ms":2500}])"});
    CHECK(room.client.close_code() == 1012);
}

TEST_CASE("a payload that the handler's type does not fit is answered bad payload") {
    Room room;
    test::join(room.client, "room:a");

    CHECK(room.answers(frame(1, 2, "room:a", "point", R"({"x":3})")) == Frames{"[1,1,2,0,3]"});
    for (const auto* payload : {"null", "[]", R"({"x":"3"})", R"({"y":3})", "7"})
        CHECK(room.answers(frame(1, 3, "room:a", "point", payload)) ==
              Frames{error(1, 3, "bad payload")});
    CHECK(room.answers(frame(1, 4, "room:a", "echo", "4")) == Frames{"[1,1,4,0,4]"});
}

TEST_CASE("what an event's handler returns is the answer, and void is none") {
    Room room;
    test::join(room.client, "room:a");

    CHECK(room.answers(frame(1, 2, "room:a", "echo", "[1,2]")) == Frames{"[1,1,2,0,[1,2]]"});
    CHECK(room.answers(frame(1, 3, "room:a", "json", "null")) ==
          Frames{R"([1,1,3,0,{"was":null}])"});
    CHECK(room.answers(frame(1, 4, "room:a", "fail")) == Frames{error(1, 4, "no luck")});
    CHECK(room.answers(frame(1, 5, "room:a", "fail with", "[1]")) == Frames{"[1,1,5,1,[1]]"});
    CHECK(room.answers(frame(1, 6, "room:a", "silent")).empty());
}

TEST_CASE("an event whose handler throws ends that membership only") {
    Room room;
    test::join(room.client, "room:a", 1);
    test::join(room.client, "room:b", 2);

    CHECK(room.answers(frame(1, 3, "room:a", "crash")) ==
          Frames{error(1, 3, "internal error"), R"([0,1,0,"room:a","_error",{}])"});
    CHECK(room.answers(frame(1, 4, "room:a", "echo")) == Frames{error(1, 4, "unmatched topic")});
    CHECK(room.answers(frame(2, 5, "room:b", "echo", "1")) == Frames{"[1,2,5,0,1]"});
    test::join(room.client, "room:a", 6);
}

TEST_CASE("what is not JSON closes with 1007") {
    Room room;

    const auto text =
        GENERATE(as<std::string>(), "", " ", "[0,1,1", "hello", "[0,1,1,\"room:a\",\"_join\",{}]x",
                 "[0,1,1,\"room:\xFF\",\"_join\",{}]", "[0,01,1,\"room:a\",\"_join\"]",
                 "[00,1,1,\"room:a\",\"_join\"]", "[0,1,1,\"room:a\",\"echo\",{\"a\":1,}]",
                 "[0,1,1,\"room:a\",\"echo\",\"\xC0\x80\"]",
                 "[0,1,1,\"room:a\",\"echo\",\"\\ud800\"]", "[0,1,1,\"room:a\",\"echo\",1,]");
    CHECK(room.client.session().dispatch(text) == chain::Errc::not_json);
    room.client.send(text);
    CHECK(room.client.close_code() == 1007);
    CHECK(room.client.receive_all().empty());
}

TEST_CASE("JSON that is no frame closes with 1008") {
    Room room;

    const auto text =
        GENERATE(as<std::string>(), "{}", "null", "[]", "[0]", "[0,1]", R"([0,1,1,"room:a"])",
                 R"("text")", R"(["0",1,1,"room:a","_join",{}])", R"([4,1,1,"room:a","_join",{}])",
                 R"([-0,1,1,"room:a","_join",{}])", R"([0.0,1,1,"room:a","_join",{}])",
                 R"([0,-1,1,"room:a","_join",{}])", R"([0,1.5,1,"room:a","_join",{}])",
                 R"([0,1,1e0,"room:a","_join",{}])", R"([0,"1",1,"room:a","_join",{}])",
                 R"([0,null,1,"room:a","_join",{}])", R"([0,1,1,null,"_join",{}])",
                 R"([0,1,1,"room:a",7,{}])", R"([0,9007199254740992,1,"room:a","_join",{}])",
                 R"([0,1,9007199254740992,"room:a","_join",{}])", "[3]", R"([3,"1"])", "[3,-1]",
                 "[3,4294967296]", "[30,1]", R"([0e0,1,1,"room:a","_join",{}])",
                 R"([0,1,1,"room:a","echo",)" + std::string(65, '[') + std::string(65, ']') + "]");
    CHECK(room.client.session().dispatch(text) == chain::Errc::malformed_frame);
    room.client.send(text);
    CHECK(room.client.close_code() == 1008);
    CHECK(room.client.receive_all().empty());
}

TEST_CASE("kinds 1 and 2 are the server's alone") {
    Room room;

    const auto kind = GENERATE("1", "2");
    const auto text = "[" + std::string(kind) + R"(,1,1,"room:a","_join",{}])";
    CHECK(room.client.session().dispatch(text) == chain::Errc::malformed_frame);
    CHECK(room.client.session().dispatch("[" + std::string(kind) + R"(,"room:a","say",{}])") ==
          chain::Errc::malformed_frame);
    room.kit.run();
    CHECK(room.client.receive_all().empty());
}

TEST_CASE("a heartbeat is answered, joined or not") {
    Room room;

    CHECK(room.answers(R"([0,0,77,"_chain","_heartbeat",null])") == Frames{"[1,0,77,0,null]"});
    CHECK(room.answers(R"([0,0,78,"_chain","_heartbeat"])") == Frames{"[1,0,78,0,null]"});
}

TEST_CASE("an ack is understood and not answered") {
    Room room;

    CHECK(room.answers("[3,32]").empty());
    CHECK(room.answers("[3,4294967295]").empty());
    CHECK(room.answers("[3,0,\"more\"]").empty());
    CHECK_FALSE(room.client.close_code());
}

TEST_CASE("references go up to 2^53-1, and 0 means none") {
    Room room;

    CHECK(room.answers(R"([0,9007199254740991,9007199254740990,"room:a","_join",1])") ==
          Frames{R"([1,9007199254740991,9007199254740990,0,{"got":1}])"});
    CHECK(room.answers(R"([0,9007199254740991,0,"room:a","echo",1])") ==
          Frames{"[1,9007199254740991,0,0,1]"});
    CHECK(room.answers(R"([0,9007199254740990,3,"room:a","echo",1])").empty());
    CHECK(room.answers(R"([0,0,0,"room:b","_join",1])") == Frames{R"([1,0,0,0,{"got":1}])"});
    CHECK(room.answers(R"([0,5,6,"room:b","echo",1])").empty());
    CHECK(room.answers(R"([0,0,6,"room:b","echo",1])") == Frames{"[1,0,6,0,1]"});
}

TEST_CASE("a reference has one form only") {
    Room room;

    const auto [ref, why] = GENERATE(
        table<std::string, chain::Errc>({{"9007199254740992", chain::Errc::malformed_frame},
                                         {"9007199254740993", chain::Errc::malformed_frame},
                                         {"18446744073709551616", chain::Errc::malformed_frame},
                                         {"99999999999999999999999", chain::Errc::malformed_frame},
                                         {"-0", chain::Errc::malformed_frame},
                                         {"-1", chain::Errc::malformed_frame},
                                         {"1.0", chain::Errc::malformed_frame},
                                         {"1e3", chain::Errc::malformed_frame},
                                         {"1E3", chain::Errc::malformed_frame},
                                         {"0e9007199254740991", chain::Errc::malformed_frame},
                                         {"[1]", chain::Errc::malformed_frame},
                                         {"\"1\"", chain::Errc::malformed_frame},
                                         {"null", chain::Errc::malformed_frame},
                                         {"+1", chain::Errc::not_json},
                                         {"00", chain::Errc::not_json},
                                         {"01", chain::Errc::not_json},
                                         {"000000000000000000001", chain::Errc::not_json},
                                         {"1.", chain::Errc::not_json},
                                         {".5", chain::Errc::not_json},
                                         {"1 2", chain::Errc::not_json},
                                         {"x", chain::Errc::not_json},
                                         {"", chain::Errc::not_json},
                                         {" ", chain::Errc::not_json}}));
    CAPTURE(ref);
    CHECK(room.client.session().dispatch("[0,1," + ref + R"(,"room:a","_join",{}])") == why);
    CHECK(room.client.session().dispatch("[0," + ref + R"(,1,"room:a","_join",{}])") == why);
    CHECK(room.client.session().dispatch("[3," + ref + "]") == why);
    room.kit.run();
    CHECK(room.client.receive_all().empty());
}

TEST_CASE("white space around the elements of a frame is skipped") {
    Room room;

    CHECK(room.answers("\t[ 0 ,\r\n1 , 2 , \"room:a\" ,\t\"_join\" , { \"x\" : 1 } , 7 ] ") ==
          Frames{R"([1,1,2,0,{"got":{"x":1}}])"});
    CHECK(room.answers(R"([ 0 , 1 , 3 , "ro\u006fm:a" , "\u0065cho" ])") ==
          Frames{"[1,1,3,0,null]"});
    CHECK(room.answers(" [ 3 , 1 , null ] ").empty());
    CHECK_FALSE(room.client.close_code());
}

TEST_CASE("elements past the last are ignored") {
    Room room;

    CHECK(room.answers(R"([0,1,1,"room:a","_join",2,3,{"x":[4]},null])") ==
          Frames{R"([1,1,1,0,{"got":2}])"});
}

TEST_CASE("a payload left out reads as null") {
    Room room;

    CHECK(room.answers(R"([0,1,1,"room:a","_join"])") == Frames{R"([1,1,1,0,{"got":null}])"});
    CHECK(room.answers(R"([0,1,2,"room:a","echo"])") == Frames{"[1,1,2,0,null]"});
    CHECK(room.answers(R"([0,1,3,"room:a","say"])") == Frames{R"([2,"room:a","said",null])"});
}

TEST_CASE("a payload with white space is compacted when it is forwarded") {
    Room room;
    test::join(room.client, "room:a");

    CHECK(room.answers("\r\n[ 0 , 1 , 2 , \"room:a\" , \"say\" , { \"a b\" :\n[ "
                       "1 ,\t\" \\n \" ] } ] \n") ==
          Frames{R"([2,"room:a","said",{"a b":[1," \n "]}])"});
    CHECK(room.answers("[0,1,3,\"room:a\",\"echo\",[ ]]") == Frames{"[1,1,3,0,[]]"});
}

TEST_CASE("payloads of every size come back whole, in replies and in broadcasts") {
    Room room;
    test::join(room.client, "room:a");
    std::vector<std::size_t> sizes = {0, 1, 15, 16, 17, 5000, 70'000};
    for (std::size_t size = 980; size < 1040; ++size) sizes.push_back(size);

    for (const auto size : sizes) {
        CAPTURE(size);
        const auto text = '"' + std::string(size, 'z') + '"';
        CHECK(room.answers(frame(1, 2, "room:a", "echo", text)) ==
              Frames{"[1,1,2,0," + text + "]"});
        CHECK(room.answers(frame(1, 3, "room:a", "say", text)) ==
              Frames{R"([2,"room:a","said",)" + text + "]"});
    }
}

TEST_CASE("names are written with the escapes that JSON needs, and no others") {
    Room room;
    const auto topic = R"(room:\"\\/é)";
    test::join(room.client, topic);

    CHECK(room.answers(frame(1, 2, topic, "say", "1")) == Frames{R"([2,"room:\"\\/é","said",1])"});
}

TEST_CASE("everything sent to one session on one topic arrives in the order of "
          "the calls") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket) {
        socket.push("a");
        socket.broadcast("b");
        socket.push("c");
        socket.broadcast_from("not to itself");
        return Reply::ok();
    });
    room.on("go", [](Socket& socket) {
        socket.broadcast("d");
        socket.push("e");
        socket.broadcast("f");
        socket.broadcast("g");
        socket.push("h");
        return Reply::ok();
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();

    bob.send(frame(1, 1, "room:a", "_join"));
    CHECK(bob.receive_all() == Frames{"[1,1,1,0,{}]", R"([0,1,0,"room:a","a",null])",
                                      R"([2,"room:a","b",null])", R"([0,1,0,"room:a","c",null])"});
    ann.send(frame(1, 1, "room:a", "_join"));
    ann.receive_all();
    CHECK(bob.receive_all() ==
          Frames{R"([2,"room:a","b",null])", R"([2,"room:a","not to itself",null])"});

    ann.send(frame(1, 2, "room:a", "go"));
    CHECK(ann.receive_all() == Frames{R"([2,"room:a","d",null])", R"([0,1,0,"room:a","e",null])",
                                      R"([2,"room:a","f",null])", R"([2,"room:a","g",null])",
                                      R"([0,1,0,"room:a","h",null])", "[1,1,2,0,{}]"});
    CHECK(bob.receive_all() == Frames{R"([2,"room:a","d",null])", R"([2,"room:a","f",null])",
                                      R"([2,"room:a","g",null])"});
}

TEST_CASE("all subscribers see one topic's broadcasts in the same order, "
          "however many they are") {
    Room room;
    std::vector<chain::testing::Client> clients;
    for (int i = 0; i < 700; ++i) {
        clients.push_back(room.kit.connect());
        test::join(clients.back(), "room:a");
    }
    Frames expected;
    for (int i = 0; i < 20; ++i) {
        const auto text = std::to_string(i);
        REQUIRE_FALSE(clients[static_cast<std::size_t>(i)].session().dispatch(
            frame(1, 2, "room:a", "say", text)));
        expected.push_back(R"([2,"room:a","said",)" + text + "]");
    }
    room.kit.run();

    std::size_t wrong = 0;
    for (auto& client : clients) wrong += client.receive_all() == expected ? 0U : 1U;
    CHECK(wrong == 0);
}
