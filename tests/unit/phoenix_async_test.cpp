// Phoenix clients of handlers that are coroutines, and of answers that come later.
#include "../support/phoenix.hpp"

#include <chain/serializers/phoenix.hpp>

#include <stdexcept>

using chain::Errc, chain::Json, chain::Payload, chain::Reply, chain::ReplyToken, chain::Socket;
using test::Frames, test::PhoenixRoom, test::v2, test::v2_closed, test::v2_reply, test::vsn;

namespace {

/// A channel whose joins wait for the gate where the client wishes so.
chain::Channel slow_channel(test::Gate& gate) {
    chain::Channel room{"room:*"};
    room.on_join([&gate](Socket& socket, const Json& params) -> chain::net::awaitable<Reply> {
        if (params.contains("slow")) co_await gate.wait();
        socket.push("welcome", {{"n", 1}});
        co_return Reply::ok();
    });
    room.on("echo", [](Socket&, const Payload& payload) { return Reply::ok(payload); });
    room.on("slow", [&gate](Socket&) -> chain::net::awaitable<Reply> {
        co_await gate.wait();
        co_return Reply::ok();
    });
    return room;
}

} // namespace

TEST_CASE("phoenix 50: what comes behind a join that takes its time is answered after it") {
    test::Gate gate;
    PhoenixRoom room(slow_channel(gate));
    room.client.send(v2("1", "1", "room:a", "phx_join", R"({"slow":1})"));
    room.client.send(v2("1", "2", "room:a", "echo", R"({"n":1})"));
    room.client.send(v2("1", "3", "room:a", "echo", R"({"n":2})"));
    CHECK(room.client.receive_all().empty());
    gate.open();
    room.kit.run();
    CHECK(room.client.receive_all() == Frames{v2_reply("1", "1", "room:a"),
                                              v2("1", "", "room:a", "welcome", R"({"n":1})"),
                                              v2_reply("1", "2", "room:a", "ok", R"({"n":1})"),
                                              v2_reply("1", "3", "room:a", "ok", R"({"n":2})")});
}

TEST_CASE("phoenix 50: a slow join holds up neither heartbeats nor other topics") {
    test::Gate gate;
    PhoenixRoom room(slow_channel(gate));
    room.client.send(v2("1", "1", "room:a", "phx_join", R"({"slow":1})"));
    CHECK(room.answers(v2("", "2", "phoenix", "heartbeat")) ==
          Frames{v2_reply("", "2", "phoenix")});
    CHECK(room.answers(v2("3", "3", "room:b", "phx_join")) ==
          Frames{v2_reply("3", "3", "room:b"), v2("3", "", "room:b", "welcome", R"({"n":1})")});
    gate.open();
    room.kit.run();
    CHECK(room.client.receive_all().front() == v2_reply("1", "1", "room:a"));
}

TEST_CASE("phoenix 48: a second join while a handler runs closes the first after its reply") {
    test::Gate gate;
    PhoenixRoom room(slow_channel(gate));
    CHECK(room.answers(v2("1", "1", "room:a", "phx_join")).size() == 2);
    room.client.send(v2("1", "2", "room:a", "slow"));
    room.client.send(v2("3", "3", "room:a", "phx_join", R"({"slow":1})"));
    room.client.send(v2("3", "4", "room:a", "echo"));
    CHECK(room.client.receive_all().empty());
    gate.open();
    room.kit.run();
    CHECK(room.client.receive_all() ==
          Frames{v2_reply("3", "3", "room:a"), v2_closed("1", "room:a"),
                 v2("3", "", "room:a", "welcome", R"({"n":1})"), v2_reply("3", "4", "room:a")});
}

TEST_CASE("phoenix 49: what comes behind a join waits while a leave handler takes its time") {
    test::Gate gate;
    auto channel = slow_channel(gate);
    channel.on_leave([&gate](Socket&, chain::LeaveReason) -> chain::net::awaitable<void> {
        co_await gate.wait();
    });
    PhoenixRoom room(channel);
    CHECK(room.answers(v2("1", "1", "room:a", "phx_join")).size() == 2);
    room.client.send(v2("1", "2", "room:a", "phx_leave"));
    room.client.send(v2("3", "3", "room:a", "phx_join"));
    room.client.send(v2("3", "4", "room:a", "echo"));
    CHECK(room.client.receive_all().empty());
    gate.open();
    room.kit.run();
    CHECK(room.client.receive_all() ==
          Frames{v2_reply("1", "2", "room:a"), v2_closed("1", "room:a"),
                 v2_reply("3", "3", "room:a"), v2("3", "", "room:a", "welcome", R"({"n":1})"),
                 v2_reply("3", "4", "room:a")});
}

TEST_CASE("phoenix 48: a join during a join") {
    test::Gate gate;
    PhoenixRoom room(slow_channel(gate));
    room.client.send(v2("1", "1", "room:a", "phx_join", R"({"slow":1})"));
    room.client.send(v2("2", "2", "room:a", "phx_join"));
    room.kit.run();
    const auto frames = room.client.receive_all();
    CHECK(std::ranges::count(frames, v2_reply("2", "2", "room:a")) == 1);
    CHECK(room.answers(v2("2", "3", "room:a", "echo")) == Frames{v2_reply("2", "3", "room:a")});
    CHECK(room.answers(v2("1", "4", "room:a", "echo")).empty());
}

TEST_CASE("phoenix 52: a coroutine that ends its own membership runs on to its answer") {
    test::Gate gate;
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on("go", [&](Socket& socket) -> chain::net::awaitable<Reply> {
        socket.leave();
        co_await gate.wait();
        co_return Reply::ok({{"last", 1}});
    });
    PhoenixRoom room(channel);
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "go")).empty());
    gate.open();
    room.kit.run();
    CHECK(room.client.receive_all() ==
          Frames{v2_reply("1", "2", "room:a", "ok", R"({"last":1})"), v2_closed("1", "room:a")});
}

TEST_CASE("phoenix 55: no answer is no frame, and a later one bears the request's reference") {
    ReplyToken token;
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on("later", [&](Socket& socket) { token = socket.reply_token(); });
    PhoenixRoom room(channel);
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "later")).empty());
    CHECK_FALSE(token.reply(Reply::with_status("queued", {{"n", 1}})));
    room.kit.run();
    CHECK(room.client.receive_all() ==
          Frames{v2_reply("1", "2", "room:a", "queued", R"({"n":1})")});
    CHECK(token.reply(Reply::ok()) == Errc::already_replied);
}

TEST_CASE("phoenix 56: a token for several answers delivers each") {
    ReplyToken token;
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on("later",
               [&](Socket& socket) { token = socket.reply_token(chain::TokenUse::often); });
    PhoenixRoom room(channel);
    room.join("room:a");
    CHECK(room.answers(v2("1", "2", "room:a", "later")).empty());
    CHECK_FALSE(token.reply(Reply::ok({{"n", 1}})));
    CHECK_FALSE(token.reply(Reply::ok({{"n", 2}})));
    room.kit.run();
    CHECK(room.client.receive_all() == Frames{v2_reply("1", "2", "room:a", "ok", R"({"n":1})"),
                                              v2_reply("1", "2", "room:a", "ok", R"({"n":2})")});
}
