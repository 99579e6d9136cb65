// The rules of the interface: channels, sockets, payload kinds, replies, out
// handlers.
#include "../support/core.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <map>
#include <stdexcept>
#include <thread>

using chain::Errc, chain::Json, chain::LeaveReason, chain::Payload, chain::Reply, chain::Socket;
using test::frame, test::Frames;

namespace {

struct User {
    std::string name;
};

void from_json(const Json& json, User& user) { json.at("name").get_to(user.name); }

Reply greet(Socket&, const User& user) { return Reply::ok("hello " + user.name); }

struct Counter {
    Reply operator()(Socket&) noexcept { return Reply::ok(++calls); }
    int calls = 0;
};

/// A client in "room:a" of a channel that `set_up` has filled.
template <class SetUp>
struct Joined {
    explicit Joined(SetUp set_up) {
        chain::Channel room{"room:*"};
        room.on_join([](Socket&) {});
        set_up(room);
        kit = std::make_unique<chain::testing::Kit>(test::handler_with({room}));
        client = std::make_unique<chain::testing::Client>(kit->connect());
        test::join(*client, "room:a");
    }

    Frames answers(std::string_view event, std::string_view payload = "null") {
        client->send(frame(1, 2, "room:a", event, payload));
        return client->receive_all();
    }

    std::unique_ptr<chain::testing::Kit> kit;
    std::unique_ptr<chain::testing::Client> client;
};

} // namespace

TEST_CASE("the type of a handler's payload parameter says what it is given") {
    Joined room([](chain::Channel& c) {
        c.on("none", [](Socket&) { return Reply::ok("none"); });
        c.on("json", [](Socket&, const Json& p) { return Reply::ok({{"is", p.type_name()}}); });
        c.on("json by value", [](Socket&, Json p) -> Json { return p; });
        c.on("payload", [](Socket&, const Payload& p) { return Reply::ok(std::string(p.raw())); });
        c.on("map", [](Socket&, const std::map<std::string, int>& p) -> Json { return p.size(); });
        c.on("text", [](Socket&, std::string p) -> Json { return p + "!"; });
        c.on("number", [](Socket&, int p) -> Json { return p + 1; });
        c.on("user", greet);
        c.on("pointer", &greet);
        c.on("event *", [](Socket&, const Json& p, std::string_view event) -> Json {
            return {{event, p}};
        });
    });

    CHECK(room.answers("none", "5") == Frames{R"([1,1,2,0,"none"])"});
    CHECK(room.answers("json", "{}") == Frames{R"([1,1,2,0,{"is":"object"}])"});
    CHECK(room.answers("json", "null") == Frames{R"([1,1,2,0,{"is":"null"}])"});
    CHECK(room.answers("json by value", "[{}]") == Frames{"[1,1,2,0,[{}]]"});
    CHECK(room.answers("payload", "[1, 2]") == Frames{R"([1,1,2,0,"[1,2]"])"});
    CHECK(room.answers("map", R"({"a":1,"b":2})") == Frames{"[1,1,2,0,2]"});
    CHECK(room.answers("map", R"({"a":"x"})") == Frames{R"([1,1,2,1,{"reason":"bad payload"}])"});
    CHECK(room.answers("text", R"("a")") == Frames{R"([1,1,2,0,"a!"])"});
    CHECK(room.answers("number", "41") == Frames{"[1,1,2,0,42]"});
    CHECK(room.answers("number", R"("41")") == Frames{R"([1,1,2,1,{"reason":"bad payload"}])"});
    CHECK(room.answers("user", R"({"name":"ann"})") == Frames{R"([1,1,2,0,"hello ann"])"});
    CHECK(room.answers("pointer", R"({"name":"ann"})") == Frames{R"([1,1,2,0,"hello ann"])"});
    CHECK(room.answers("event x", "3") == Frames{R"([1,1,2,0,{"event x":3}])"});
}

TEST_CASE("handlers may be move-only, mutable, noexcept, and objects of a class") {
    Joined room([](chain::Channel& c) {
        c.on("move",
             [text = std::make_unique<std::string>("kept")](Socket&) { return Reply::ok(*text); });
        c.on("count", [n = 0](Socket&) mutable -> Json { return ++n; });
        c.on("object", Counter{});
        c.on_out("out",
                 [text = std::make_unique<std::string>("out")](
                     Socket&, const Json&) -> std::optional<Json> { return *text; });
        c.on_leave([text = std::make_unique<std::string>("left")](Socket&, LeaveReason) {});
    });

    CHECK(room.answers("move") == Frames{R"([1,1,2,0,"kept"])"});
    CHECK(room.answers("count") == Frames{"[1,1,2,0,1]"});
    CHECK(room.answers("count") == Frames{"[1,1,2,0,2]"});
    CHECK(room.answers("object") == Frames{"[1,1,2,0,1]"});
    CHECK(room.answers("object") == Frames{"[1,1,2,0,2]"});
    room.kit->handler().pubsub().broadcast("room:a", "out");
    room.kit->run();
    CHECK(room.client->receive_all() == Frames{R"([0,1,0,"room:a","out","out"])"});
}

TEST_CASE("braces are objects in everything that sends") {
    const std::string x = "x";
    Joined room([&](chain::Channel& c) {
        c.on("go", [&](Socket& socket) {
            socket.push("push", {{"a", x}});
            socket.broadcast("all", {{"a", x}});
            socket.broadcast_from("others", {{"a", x}});
            socket.push("two", {{"a", x}, {"b", {{"c", 1}}}});
            return Reply::ok({{"a", x}});
        });
        c.on("error", [&](Socket&) { return Reply::error({{"a", x}}); });
        c.on("json", [&](Socket&) -> Json { return {{"a", x}}; });
    });

    CHECK(room.answers("go") ==
          Frames{R"([0,1,0,"room:a","push",{"a":"x"}])", R"([2,"room:a","all",{"a":"x"}])",
                 R"([0,1,0,"room:a","two",{"a":"x","b":{"c":1}}])", R"([1,1,2,0,{"a":"x"}])"});
    CHECK(room.answers("error") == Frames{R"([1,1,2,1,{"a":"x"}])"});
    CHECK(room.answers("json") == Frames{R"([1,1,2,0,{"a":"x"}])"});
    room.kit->handler().pubsub().broadcast("room:a", "pubsub", {{"a", x}});
    room.kit->run();
    CHECK(room.client->receive_all() == Frames{R"([2,"room:a","pubsub",{"a":"x"}])"});
}

TEST_CASE("replies say what they are") {
    const auto text = [](const Reply& reply) { return std::string(reply.payload()->raw()); };
    using namespace std::string_literals;

    CHECK(Reply().is_none());
    CHECK(Reply::none().is_none());
    CHECK_FALSE(Reply::ok().is_none());
    CHECK(text(Reply::ok()) == "{}");
    CHECK(text(Reply::ok(nullptr)) == "null");
    CHECK(text(Reply::ok("text")) == R"("text")");
    CHECK(Reply::ok().status() == chain::Status::ok);
    CHECK(Reply::error("no").status() == chain::Status::error);
    CHECK(text(Reply::error("no")) == R"({"reason":"no"})");
    CHECK(text(Reply::error("no"s)) == R"({"reason":"no"})");
    CHECK(text(Reply::error(std::string_view("no"))) == R"({"reason":"no"})");
    CHECK(text(Reply::error(Json("no"))) == R"("no")");
    CHECK(text(Reply::error(Json{{"code", 7}})) == R"({"code":7})");
    CHECK(text(Reply::error({{"reason", "full"}, {"code", 7}})) == R"({"code":7,"reason":"full"})");
    CHECK(text(Reply::ok(*Payload::from_text("[ 1 ]"))) == "[1]");
    const auto kept = *Payload::from_text("[2]");
    CHECK(text(Reply::ok(kept)) == "[2]");
    CHECK(kept.raw() == "[2]");
    CHECK(text(Reply::ok(Json(Json::value_t::discarded))) == "null");
    CHECK(Reply::ok("\xFF").payload().error() == Errc::invalid_payload);
}

TEST_CASE("a payload is forwarded, kept, and parsed on demand") {
    std::optional<Payload> kept;
    Joined room([&](chain::Channel& c) {
        c.on("go", [&](Socket& socket, const Payload& payload) {
            kept = payload;
            CHECK(&payload.json() == &payload.json());
            socket.push("push", payload);
            socket.broadcast("all", payload);
            socket.broadcast_from("others", payload);
            return Reply::ok(payload);
        });
    });

    CHECK(room.answers("go", R"({"a": "é"})") == Frames{R"([0,1,0,"room:a","push",{"a":"é"}])",
                                                        R"([2,"room:a","all",{"a":"é"}])",
                                                        R"([1,1,2,0,{"a":"é"}])"});
    room.answers("none", '"' + std::string(200, 'z') + '"');
    REQUIRE(kept);
    CHECK(kept->raw() == R"({"a":"é"})");
    CHECK(kept->json() == Json{{"a", "é"}});
}

TEST_CASE("the payload of a reply outlives the io_context and the thread that it was made in") {
    std::vector<Payload> kept;
    std::vector<std::string> texts;
    for (const std::size_t size : {0, 1, 7, 100, 1000, 5000})
        texts.push_back('"' + std::string(size, 'z') + '"');
    std::thread([&] {
        chain::net::io_context context;
        chain::net::post(context, [&] {
            for (const auto& text : texts) {
                const auto view = Payload::view(text);
                Reply::ok(view); // leaves its block to the next one
                for (int i = 0; i < 2; ++i) kept.push_back(*Reply::ok(view).payload());
            }
        });
        context.run();
    }).join();
    const auto expected = texts;
    for (auto& text : texts) text.assign(text.size(), '-');
    for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i].raw() == expected[i / 2]);
}

TEST_CASE("payloads own what they copy, and binary ones are written as base64") {
    std::string text = R"({"a":1})";
    auto view = Payload::view(text);
    const Payload copy = view;
    Payload moved = std::move(view);
    text = R"({"b":2})";
    CHECK(copy.raw() == R"({"a":1})");
    CHECK(moved.raw() == R"({"b":2})");
    CHECK(view.raw() == "null");
    moved = copy;
    CHECK(moved.json() == Json{{"a", 1}});
    CHECK(Payload().json().is_null());
    CHECK(Payload::from_text("{").error() == Errc::not_json);
    CHECK(Payload::from_text(" { \"a\" : [ ] } ")->raw() == R"({"a":[]})");
    CHECK(Payload::from_json("\xFF").error() == Errc::invalid_payload);
    CHECK(Payload::from_json(Json::value_t::discarded).error() == Errc::invalid_payload);

    const auto bytes = Payload::from_bytes(std::string("\0\xFF\x10", 3));
    CHECK(bytes.is_binary());
    CHECK(bytes.json() == Json{{"$binary", "AP8Q"}});
    Joined room([](chain::Channel& c) {
        c.on("one", [](Socket& socket) { socket.push("b", Payload::from_bytes("a")); });
        c.on("two", [](Socket&) { return Reply::ok(Payload::from_bytes("ab")); });
        c.on("all", [](Socket& socket) { socket.broadcast("b", Payload::from_bytes("")); });
    });
    CHECK(room.answers("one") == Frames{R"([0,1,0,"room:a","b",{"$binary":"YQ=="}])"});
    CHECK(room.answers("two") == Frames{R"([1,1,2,0,{"$binary":"YWI="}])"});
    CHECK(room.answers("all") == Frames{R"([2,"room:a","b",{"$binary":""}])"});
}

TEST_CASE("state is made once, is of one type, and is destroyed after the "
          "leave handler") {
    struct Tracked {
        ~Tracked() {
            if (log) log->push_back("destroyed");
        }
        Frames* log = nullptr;
    };
    Frames said;
    Joined room([&](chain::Channel& c) {
        c.on("make", [&](Socket& socket) {
            CHECK(socket.find_state<Tracked>() == nullptr);
            auto& state = socket.state<Tracked>();
            CHECK(state.log == nullptr);
            state.log = &said;
            CHECK(&socket.state<Tracked>() == &state);
            CHECK(socket.find_state<Tracked>() == &state);
            CHECK(socket.find_state<User>() == nullptr);
            CHECK_THROWS_AS(socket.state<User>(), std::logic_error);
        });
        c.on_leave([&](Socket& socket, LeaveReason) {
            REQUIRE(socket.find_state<Tracked>());
            said.push_back("left");
        });
    });
    room.answers("make");

    room.client->send(frame(1, 3, "room:a", "_leave"));
    CHECK(said == Frames{"left", "destroyed"});
}

TEST_CASE("a new membership has new state, and values are kept by key") {
    Joined room([](chain::Channel& c) {
        c.on("name", [](Socket& socket, const Json& p) {
            CHECK(socket.get("name").is_null());
            CHECK(socket.state<User>().name.empty());
            socket.state<User>().name = p.get<std::string>();
            socket.set("name", p);
            socket.set("other", {{"a", 1}});
            CHECK(socket.get("name") == p);
            CHECK(socket.get("other") == Json{{"a", 1}});
        });
    });
    room.answers("name", R"("ann")");
    room.client->send(frame(1, 3, "room:a", "_join"));
    room.answers("name", R"("bob")");
    test::join(*room.client, "room:b", 4);
    room.client->send(frame(4, 5, "room:b", "name", R"("eve")"));
}

TEST_CASE("a socket knows its client, its topic and where it is in its life") {
    std::optional<Socket> kept;
    chain::Channel room{"room:*"};
    room.on_join([&](Socket& socket, const Json&) {
        CHECK(socket.status() == chain::SocketStatus::joining);
        CHECK(socket.params() == Json{{"token", "t"}});
        kept = socket;
    });
    room.on("same", [&](Socket& socket) { return Reply::ok(socket == *kept); });
    chain::testing::Kit kit{test::handler_with({room})};
    chain::Request request;
    request.query = {{"token", "t"}};
    auto client = kit.connect(request);
    test::join(client, "room:a");

    REQUIRE(kept);
    CHECK(kept->status() == chain::SocketStatus::joined);
    CHECK(kept->topic() == "room:a");
    CHECK(kept->endpoint() == "/socket");
    CHECK(kept->id() == client.session().id());
    CHECK(kept->id().size() == 32);
    CHECK(kept->session() == client.session());
    client.send(frame(1, 2, "room:a", "same"));
    CHECK(client.receive() == "[1,1,2,0,true]");
}

TEST_CASE("a handler may move its socket away, and end the membership with it") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) { return Reply::ok(); });
    room.on("go", [](Socket& socket) {
        Socket mine = std::move(socket);
        mine.leave();
        return Reply::ok();
    });
    room.on("crash", [](Socket& socket) -> Reply {
        const Socket mine = std::move(socket);
        throw std::runtime_error("no reason");
    });
    room.on("echo", [](Socket&, const chain::Payload& payload) { return Reply::ok(payload); });
    room.on("lose", [](Socket& socket) {
        const Socket gone = std::move(socket);
        return Reply::ok();
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    client.send(frame(1, 2, "room:a", "lose"));
    client.send(frame(1, 3, "room:a", "echo", "7"));
    CHECK(client.receive_all() == test::Frames{"[1,1,2,0,{}]", "[1,1,3,0,7]"});
    client.send(frame(1, 4, "room:a", "go"));
    CHECK(client.receive_all() == test::Frames{"[1,1,4,0,{}]", R"([0,1,0,"room:a","_close",{}])"});
    client.send(R"([0,5,5,"room:a","_join",{}])");
    client.receive_all();
    client.send(frame(5, 6, "room:a", "crash"));
    CHECK(client.receive_all() == test::Frames{R"([1,5,6,1,{"reason":"internal error"}])",
                                               R"([0,5,0,"room:a","_error",{}])"});
    client.send(frame(5, 7, "room:a", "echo", "7"));
    CHECK(client.receive_all() == test::Frames{R"([1,5,7,1,{"reason":"unmatched topic"}])"});
}

TEST_CASE("adding a channel freezes it") {
    chain::Channel room{"room:*"};
    chain::Channel same = room;
    same.on_join([](Socket&) {});
    auto handler = test::handler_with({room});

    CHECK_THROWS_AS(same.on("x", [](Socket&) {}), std::logic_error);
    CHECK_THROWS_AS(room.on_join("room:b", [](Socket&) {}), std::logic_error);
    CHECK_THROWS_AS(room.on_leave([](Socket&, LeaveReason) {}), std::logic_error);
    CHECK_THROWS_AS(room.on_out("x", [](Socket&, const Json&) -> std::optional<Json> { return 1; }),
                    std::logic_error);
    CHECK_THROWS_AS(room.subscribe("a", "x"), std::logic_error);
    CHECK(same == room);
    CHECK_FALSE(same == chain::Channel{"room:*"});
}

TEST_CASE("mistakes at set-up throw where they are written") {
    const auto nothing = [](Socket&) {};
    for (const auto* pattern : {"", "a,b", "a*b", "**", " a", "a ", "a\n"})
        CHECK_THROWS_AS(chain::Channel{pattern}, std::invalid_argument);
    chain::Channel room{"room:*"};
    CHECK_NOTHROW(room.on("x", nothing));
    CHECK_THROWS_AS(room.on("x", nothing), std::invalid_argument);
    CHECK_THROWS_AS(room.on("_x", nothing), std::invalid_argument);
    CHECK_THROWS_AS(room.on("a,b", nothing), std::invalid_argument);
    CHECK_THROWS_AS(room.subscribe("a*b", "x"), std::invalid_argument);
    CHECK_THROWS_AS(room.subscribe("a", "_x"), std::invalid_argument);
    CHECK_THROWS_AS(chain::Handler({.endpoint = "socket"}), std::invalid_argument);
    CHECK_THROWS_AS(chain::Handler({.endpoint = "/socket/"}), std::invalid_argument);
    CHECK_THROWS_AS(chain::Handler({.endpoint = "/"}), std::invalid_argument);
    auto handler = test::handler_with({room});
    CHECK_THROWS_AS(handler.add(chain::Channel{"room:*"}), std::invalid_argument);
    chain::testing::Kit kit{handler};
    const auto client = kit.connect();
    CHECK_THROWS_AS(handler.add(chain::Channel{"late"}), std::logic_error);
}

TEST_CASE("a channel broadcasts once it was added, to topics of its own") {
    chain::Channel room{"room:*"};
    CHECK(room.topic_pattern() == "room:*");
    CHECK(room.broadcast("room:a", "x") == Errc::not_configured);
    CHECK(room.local_broadcast("room:a", "x") == Errc::not_configured);
    room.on_join([](Socket&) {});
    chain::testing::Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");

    CHECK_FALSE(room.broadcast("room:a", "one", {{"n", 1}}));
    CHECK_FALSE(room.local_broadcast("room:a", "two"));
    CHECK_FALSE(room.dispatch("room:a", "three", *Payload::from_text("3")));
    CHECK_FALSE(room.broadcast("room:nobody", "x"));
    CHECK(room.broadcast("hall:a", "x") == Errc::unmatched_topic);
    CHECK(room.broadcast("room:*", "x") == Errc::invalid_topic);
    CHECK(room.broadcast("room:a", "_x") == Errc::invalid_event);
    CHECK(room.broadcast("room:a", "") == Errc::invalid_event);
    CHECK(room.broadcast("room:a", "x", "\xFF") == Errc::invalid_payload);
    kit.run();
    CHECK(client.receive_all() == Frames{R"([2,"room:a","one",{"n":1}])",
                                         R"([2,"room:a","two",null])",
                                         R"([2,"room:a","three",3])"});
}

TEST_CASE("sending says what is wrong with an event or a payload") {
    Joined room([](chain::Channel& c) {
        c.on("go", [](Socket& socket) {
            CHECK(socket.push("_x") == Errc::invalid_event);
            CHECK(socket.push("a,b") == Errc::invalid_event);
            CHECK(socket.push("x", "\xFF") == Errc::invalid_payload);
            CHECK(socket.broadcast("_x") == Errc::invalid_event);
            CHECK(socket.broadcast("x", "\xFF") == Errc::invalid_payload);
            CHECK(socket.broadcast_from(std::string(256, 'e')) == Errc::invalid_event);
        });
        c.on("bad reply", [](Socket&) { return Reply::ok("\xFF"); });
    });

    CHECK(room.answers("go").empty());
    CHECK(room.answers("bad reply") ==
          Frames{R"([1,1,2,1,{"reason":"internal error"}])", R"([0,1,0,"room:a","_error",{}])"});
}

TEST_CASE("broadcast_from leaves out its own client only, among other frames "
          "of the turn") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("go", [](Socket& socket) {
        socket.broadcast("a");
        socket.broadcast_from("b");
        socket.broadcast("c");
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");

    REQUIRE_FALSE(ann.session().dispatch(frame(1, 2, "room:a", "go")));
    REQUIRE_FALSE(bob.session().dispatch(frame(1, 2, "room:a", "go")));
    kit.run();
    const std::string a = R"([2,"room:a","a",null])", b = R"([2,"room:a","b",null])",
                      c = R"([2,"room:a","c",null])";
    CHECK(ann.receive_all() == Frames{a, c, a, b, c});
    CHECK(bob.receive_all() == Frames{a, b, c, a, c});
}

TEST_CASE("the endpoint is matched by whole path segments") {
    const chain::Handler handler{{.endpoint = "/socket"}};
    for (const auto* target : {"/socket", "/socket/", "/socket/websocket?x=1", "/socket?x"})
        CHECK(handler.serves(target));
    for (const auto* target : {"/socketfoo", "/", "", "/sock", "/x/socket", "/Socket"})
        CHECK_FALSE(handler.serves(target));
}

// ------------------------------------------------------------------------------------
// out handlers

TEST_CASE("an out handler's optional decides what its subscriber gets") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket, const Json& params) { socket.set("take", params); });
    room.on_out("news", [](Socket& socket, Json payload) -> std::optional<Json> {
        if (socket.get("take") == "drop") return std::nullopt;
        if (socket.get("take") == "null") return nullptr;
        return payload;
    });
    chain::testing::Kit kit{test::handler_with({room})};
    std::vector<chain::testing::Client> clients;
    for (const auto* take : {R"("drop")", R"("null")", R"("all")"}) {
        clients.push_back(kit.connect());
        clients.back().send(frame(1, 1, "room:a", "_join", take));
        clients.back().receive_all();
    }

    room.broadcast("room:a", "news", {{"a", 1}});
    room.broadcast("room:a", "other", 2);
    kit.run();
    const std::string other = R"([2,"room:a","other",2])";
    CHECK(clients[0].receive_all() == Frames{other});
    CHECK(Frames{clients[1].receive_all().front()} == Frames{R"([0,1,0,"room:a","news",null])"});
    CHECK(Frames{clients[2].receive_all().front()} == Frames{R"([0,1,0,"room:a","news",{"a":1}])"});
}

TEST_CASE("out handlers are found by pattern, run after the handler, and "
          "respect broadcast_from") {
    Frames said;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on("go", [&](Socket& socket) {
        socket.broadcast("user:joined", 1);
        socket.broadcast_from("user:left", 2);
        said.push_back("handler is done");
    });
    room.on_out("user:*",
                [&](Socket& socket, Json payload, std::string_view event) -> std::optional<Json> {
                    said.push_back(std::string(event));
                    CHECK(socket.status() == chain::SocketStatus::joined);
                    return Json{{"was", payload}};
                });
    room.on_out("user:left", [&](Socket&, Json) -> std::optional<Json> {
        said.push_back("exact");
        return "bye";
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");

    ann.send(frame(1, 2, "room:a", "go"));
    CHECK(said == Frames{"handler is done", "user:joined", "user:joined", "exact"});
    CHECK(ann.receive_all() == Frames{R"([0,1,0,"room:a","user:joined",{"was":1}])"});
    CHECK(bob.receive_all() == Frames{R"([0,1,0,"room:a","user:joined",{"was":1}])",
                                      R"([0,1,0,"room:a","user:left","bye"])"});
}

TEST_CASE("an out handler may broadcast and leave; who has left by then gets "
          "nothing") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket& socket, const Json& params) { socket.set("name", params); });
    room.on_out("kick", [](Socket& socket, Json) -> std::optional<Json> {
        if (socket.get("name") == "ann") {
            socket.broadcast("kicked");
            socket.session().dispatch(frame(1, 9, "room:a", "_leave"));
            socket.session().close();
        }
        return "out";
    });
    chain::testing::Kit kit{test::handler_with({room})};
    auto ann = kit.connect();
    auto bob = kit.connect();
    ann.send(frame(1, 1, "room:a", "_join", R"("ann")"));
    bob.send(frame(1, 1, "room:a", "_join", R"("bob")"));
    ann.receive_all();
    bob.receive_all();

    room.broadcast("room:a", "kick");
    room.broadcast("room:a", "kick");
    kit.run();
    CHECK(ann.close_code() == 1000);
    CHECK(bob.receive_all().size() == 3);
}
