// Clients that read too slowly: what their channels' policies say, and the limits.
#include "../support/core.hpp"
#include "../support/rounds.hpp"

#include <chain/detail/handler_core.hpp>
#include <chain/detail/outbox.hpp>
#include <chain/presence.hpp>
#include <chain/serializers/chain.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <random>

using chain::Errc, chain::Json, chain::Reply, chain::SlowPolicy, chain::Socket;
using chain::testing::Client, chain::testing::Kit;
using test::frame, test::Frames;

namespace {

/// Counts what is dropped, by reason.
class Drops final : public chain::Observer {
  public:
    void frames_dropped(std::size_t count, chain::error_code why) override {
        counts[why.value()] += count;
    }
    std::size_t of(Errc why) { return counts[static_cast<int>(why)]; }

    std::map<int, std::size_t> counts;
};

/// A channel `room:*` in which `tick` drops the oldest, `move` conflates by "who", `last` by event
/// alone, and all else has to arrive; at most 1000 bytes wait.
struct LossyRoom {
    explicit LossyRoom(chain::Limits limits = limited(1000)) {
        channel.on_join([](Socket&, const Json&) { return Reply::ok(); });
        channel.on("echo", [](Socket&, const Json& what) { return Reply::ok(what); });
        channel.when_slow("tick", SlowPolicy::drop_oldest());
        channel.when_slow("move", SlowPolicy::conflate("who"));
        channel.when_slow("last", SlowPolicy::conflate());
        chain::HandlerConfig config;
        config.limits = limits;
        config.observer = drops;
        kit.emplace(test::handler_with({channel}, config));
    }
    static chain::Limits limited(std::size_t bytes) {
        chain::Limits limits;
        limits.unsent_bytes_per_session = bytes;
        return limits;
    }

    Client member(const std::string& topic = "room:a", chain::Request request = {}) {
        auto client = kit->connect(std::move(request));
        if (client.session().params().empty()) test::join(client, topic);
        return client;
    }
    void tell(const std::string& event, const Json& what, const std::string& topic = "room:a") {
        REQUIRE_FALSE(channel.broadcast(topic, event, what));
        kit->run();
    }
    std::size_t unsent() { return chain::detail::HandlerAccess::core(kit->handler())->unsent(); }

    std::shared_ptr<Drops> drops = std::make_shared<Drops>();
    chain::Channel channel{"room:*"};
    std::optional<Kit> kit;
};

std::string slow_said(const std::string& event, const Json& what,
                      const std::string& topic = "room:a") {
    return R"([2,")" + topic + R"(",")" + event + "\"," + what.dump() + "]";
}

/// The chain protocol's dialect, but "news" is sent in binary frames.
class BinaryNews final : public chain::Serializer {
  public:
    std::string_view name() const noexcept override { return "binary news"; }
    chain::error_code decode(std::string_view text, bool binary, unsigned max_depth,
                             chain::Message& out) const override {
        return chain::chain_serializer()->decode(text, binary, max_depth, out);
    }
    bool encode(const chain::Message& message, std::string& out) const override {
        chain::chain_serializer()->encode(message, out);
        return message.event == "news";
    }
    const chain::Lifecycle& lifecycle() const noexcept override {
        return chain::chain_serializer()->lifecycle();
    }
};

/// Lets another thread broadcast when it hears of a drop, and waits for that.
class Answering final : public chain::Observer {
  public:
    std::function<void()> broadcast;
    std::size_t in_time = 0;

    void frames_dropped(std::size_t, chain::error_code) override {
        told_.push_back(std::async(std::launch::async, broadcast));
        in_time += told_.back().wait_for(std::chrono::minutes(1)) == std::future_status::ready;
    }

  private:
    std::vector<std::future<void>> told_; // whose end would wait, too
};

/// A connection that carries text, which nobody reads.
class Unread final : public chain::Connection {
    chain::Framing framing() const noexcept override { return chain::Framing::lines; }
    std::size_t write(std::string_view bytes) noexcept override { return bytes.size(); }
    void close(std::uint16_t, std::string_view, std::string) noexcept override {}
};

/// A channel whose leave handler waits at a gate.
chain::Channel left_through(test::Gate& gate) {
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on_leave([&gate](Socket&, chain::LeaveReason) -> chain::net::awaitable<void> {
        co_await gate.wait();
    });
    return channel;
}

Frames catch_up(Client& client) {
    client.reading(true);
    return client.receive_all();
}

} // namespace

TEST_CASE("pitfall 11: past the limit the oldest are dropped, counted, and the client is told of "
          "the gap in their place") {
    LossyRoom room;
    auto client = room.member();
    client.reading(false);
    for (int i = 0; i < 200; ++i) room.tell("tick", i);
    CHECK(room.unsent() <= 1000);
    const auto dropped = room.drops->of(Errc::oldest_dropped);
    CHECK(dropped > 100);

    const auto got = catch_up(client);
    REQUIRE(got.size() == 200 - dropped + 1);
    CHECK(got[0] == R"([0,1,0,"room:a","_gap",{"dropped":)" + std::to_string(dropped) + "}]");
    for (std::size_t i = 1; i < got.size(); ++i)
        CHECK(got[i] == slow_said("tick", dropped + i - 1));
    CHECK_FALSE(client.close_code());
    CHECK(room.unsent() == 0);
}

TEST_CASE("a newer message takes the place of one with the same key that waits; each key's newest "
          "arrives") {
    LossyRoom room;
    auto client = room.member();
    client.reading(false);
    for (int i = 0; i < 300; ++i) {
        room.tell("move", {{"who", i % 3}, {"x", i}});
        room.tell("last", i);
    }
    CHECK(room.drops->of(Errc::conflated) == 600 - 4);
    CHECK(room.unsent() < 200);
    CHECK(catch_up(client) == Frames{slow_said("move", {{"who", 0}, {"x", 297}}),
                                     slow_said("move", {{"who", 1}, {"x", 298}}),
                                     slow_said("move", {{"who", 2}, {"x", 299}}),
                                     slow_said("last", 299)});
}

TEST_CASE("keys are of one topic: the newest of each topic arrives") {
    LossyRoom room;
    auto client = room.member();
    test::join(client, "room:b", 2);
    client.reading(false);
    for (int i = 0; i < 10; ++i) {
        REQUIRE_FALSE(room.channel.broadcast("room:a", "last", i));
        room.tell("last", i, "room:b");
    }
    CHECK(catch_up(client) == Frames{slow_said("last", 9), slow_said("last", 9, "room:b")});
}

TEST_CASE("a client that keeps up gets every message, whatever its policy") {
    LossyRoom room;
    auto client = room.member();
    Frames expected;
    for (int i = 0; i < 100; ++i) {
        REQUIRE_FALSE(room.channel.broadcast("room:a", "last", i));
        expected.push_back(slow_said("last", i));
    }
    room.kit->run();
    CHECK(client.receive_all() == expected);
    CHECK(room.drops->counts.empty());
}

TEST_CASE("replies and what has to arrive are never dropped to make room") {
    LossyRoom room;
    auto client = room.member();
    client.reading(false);
    client.send(frame(1, 7, "room:a", "echo", "\"answer\""));
    room.tell("important", 1);
    for (int i = 0; i < 200; ++i) room.tell("tick", i);
    client.send(frame(1, 8, "room:a", "_leave"));
    auto got = catch_up(client);
    REQUIRE(got.size() > 4);
    CHECK(got[0] == R"([1,1,7,0,"answer"])");
    CHECK(got[1] == slow_said("important", 1));
    CHECK(got.back() == "[1,1,8,0,{}]");
}

TEST_CASE("pitfall 2.5: where nothing may be dropped the client is closed with 1013") {
    LossyRoom room;
    auto client = room.member();
    client.reading(false);
    auto socket = *client.session().socket("room:a");
    for (int i = 0; i < 200 && !client.session().closed(); ++i) {
        room.tell("tick", i);
        room.tell("important", std::string(40, 'x'));
    }
    CHECK(client.close_code() == 1013);
    CHECK(room.drops->of(Errc::slow_consumer) > 0);
    CHECK(socket.push("important") == Errc::closed);
    CHECK(room.unsent() == 0);
}

TEST_CASE("pushes have the policy of their event, and say when a client is too slow") {
    LossyRoom room;
    auto client = room.member();
    client.reading(false);
    auto socket = *client.session().socket("room:a");
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(socket.push("last", i));
        room.kit->run();
    }
    CHECK(room.drops->of(Errc::conflated) == 99);
    chain::error_code result;
    for (int i = 0; i < 100 && !result; ++i) {
        result = socket.push("important", std::string(100, 'x'));
        room.kit->run();
    }
    CHECK((result == Errc::slow_consumer || result == Errc::closed));
}

TEST_CASE("the number of frames that wait is bounded, too") {
    auto limits = LossyRoom::limited(1 << 20);
    limits.unsent_frames_per_session = 10;
    LossyRoom room(limits);
    auto lossy = room.member();
    auto strict = room.member("room:b");
    lossy.reading(false);
    strict.reading(false);
    for (int i = 0; i < 30; ++i) {
        room.tell("tick", i);
        room.tell("important", i, "room:b");
    }
    CHECK(catch_up(lossy).size() == 11);
    CHECK(strict.close_code() == 1013);
}

TEST_CASE("presence is never dropped, whatever the policy of all events is") {
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.when_slow(SlowPolicy::conflate());
    Kit kit{test::handler_with({channel})};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.reading(false);
    for (int i = 0; i < 5; ++i) {
        REQUIRE_FALSE(channel.broadcast("room:a", "presence_diff", {{"n", i}}));
        REQUIRE_FALSE(channel.broadcast("room:a", "other", {{"n", i}}));
        kit.run();
    }
    CHECK(catch_up(client).size() == 6);
}

TEST_CASE("presence is never dropped, whatever names the application gives its events") {
    chain::Channel channel{"room:*"};
    channel.when_slow(SlowPolicy::conflate());
    chain::Handler handler{test::handler_with({}, test::quiet())};
    chain::Presence presence{handler, {.state_event = "who", .diff_event = "who_changed"}};
    channel.on_join([&](Socket& socket) {
        presence.push_state(socket);
        presence.push_state(socket);
    });
    handler.add(channel);
    Kit kit{handler};
    auto client = kit.connect();
    test::join(client, "room:a");
    CHECK(client.receive_all().size() == 2);
    client.reading(false);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(presence.track({"room:a", "bot"}, std::to_string(i)));
        REQUIRE_FALSE(channel.broadcast("room:a", "other", i));
        kit.run();
    }
    const auto got = catch_up(client);
    REQUIRE(got.size() == 6);
    for (std::size_t i = 0; i < 5; ++i)
        CHECK(got[i].starts_with(R"([2,"room:a","who_changed",{"joins":{")" + std::to_string(i)));
    CHECK(got[5] == slow_said("other", 4));
}

TEST_CASE("a binary frame for a connection that carries text only is dropped, and counted for each "
          "client") {
    const auto drops = std::make_shared<Drops>();
    chain::HandlerConfig config;
    config.observer = drops;
    config.serializer = std::make_shared<BinaryNews>();
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on("share", [](Socket& socket) { socket.broadcast_from("news", 1); });
    channel.on("mine", [](Socket& socket) { socket.push("news", 1); });
    Kit kit{test::handler_with({channel}, config)};
    auto ann = kit.connect(), bob = kit.connect();
    test::join(ann, "room:a");
    test::join(bob, "room:a");
    REQUIRE_FALSE(channel.broadcast("room:a", "news", 1));
    kit.run();
    CHECK(drops->of(Errc::text_only) == 2);
    ann.send(frame(1, 2, "room:a", "share"));
    CHECK(drops->of(Errc::text_only) == 3);
    ann.send(frame(1, 3, "room:a", "mine"));
    CHECK(drops->of(Errc::text_only) == 4);
    REQUIRE_FALSE(channel.broadcast("room:a", "other", 1));
    kit.run();
    CHECK(ann.receive_all() == Frames{slow_said("other", 1)});
    CHECK(bob.receive_all() == Frames{slow_said("other", 1)});
}

TEST_CASE(
    "pitfall 4: no lock is held while an observer hears that a frame is dropped, on two lanes") {
    const auto observer = std::make_shared<Answering>();
    chain::HandlerConfig config;
    config.observer = observer;
    config.serializer = std::make_shared<BinaryNews>();
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    channel.on("share", [](Socket& socket) { socket.broadcast("news", 1); });
    auto handler = test::handler_with({channel}, config);
    observer->broadcast = [&channel] {
        static_cast<void>(channel.broadcast("room:a", "other", 1));
    };
    std::array<chain::net::io_context, 2> contexts;
    std::array<std::optional<chain::Session>, 2> sessions;
    for (std::size_t i = 0; i < 2; ++i) {
        handler.use(contexts[i]);
        chain::net::post(contexts[i], [&, i] {
            handler.connect(contexts[i], {}, chain::Framing::lines,
                            [&, i](chain::ConnectResult result) { sessions[i] = *result; });
            sessions[i]->attach(std::make_shared<Unread>());
            sessions[i]->dispatch(frame(1, 1, "room:a", "_join"));
        });
        contexts[i].poll();
        contexts[i].restart();
    }
    chain::net::post(contexts[0], [&] { sessions[0]->dispatch(frame(1, 2, "room:a", "share")); });
    contexts[0].poll();
    CHECK(observer->in_time == 1);
}

TEST_CASE("a policy is set before the channel is added, once for an event") {
    chain::Channel channel{"room:*"};
    channel.when_slow("a", SlowPolicy::conflate()).when_slow(SlowPolicy::drop_oldest());
    CHECK_THROWS_AS(channel.when_slow("a", SlowPolicy::close()), std::invalid_argument);
    CHECK_THROWS_AS(channel.when_slow("_gap", SlowPolicy::close()), std::invalid_argument);
    chain::Handler handler{test::quiet()};
    handler.add(channel);
    CHECK_THROWS_AS(channel.when_slow("b", SlowPolicy::close()), std::logic_error);
}

TEST_CASE("past the handler's limit the largest backlogs go first") {
    chain::Limits limits;
    limits.unsent_bytes = 20'000;
    LossyRoom room(limits);
    std::vector<Client> clients;
    for (int i = 0; i < 6; ++i) {
        clients.push_back(room.member("room:" + std::to_string(i)));
        clients.back().reading(false);
    }
    for (std::size_t i = 0; i < 6; ++i)
        for (std::size_t k = 0; k < i; ++k)
            room.tell("important", std::string(1000, 'x'), "room:" + std::to_string(i));
    REQUIRE(room.unsent() < 17'500);
    for (auto& client : clients) REQUIRE_FALSE(client.close_code());
    // It is the smallest that brings it over.
    for (int k = 0; k < 3; ++k) room.tell("important", std::string(1000, 'x'), "room:0");
    CHECK(clients[5].close_code() == 1013);
    for (std::size_t i = 0; i < 4; ++i) CHECK_FALSE(clients[i].close_code());
    CHECK(room.unsent() <= 15'000);
}

TEST_CASE("past the handler's limit of frames, too, the largest backlogs go first") {
    chain::Limits limits;
    limits.unsent_frames = 80;
    LossyRoom room(limits);
    auto small = room.member();
    auto large = room.member("room:b");
    small.reading(false);
    large.reading(false);
    for (int i = 0; i < 60; ++i) room.tell("important", i, "room:b");
    for (int i = 0; i < 20; ++i) room.tell("important", i);
    CHECK(large.close_code() == 1013);
    CHECK_FALSE(small.close_code());
}

TEST_CASE("when one turn goes over the handler's limit it is the largest, too, that go") {
    chain::Limits limits;
    limits.unsent_bytes = 8'000;
    LossyRoom room(limits);
    auto small = room.member();
    auto large = room.member();
    test::join(large, "room:b", 2);
    small.reading(false);
    large.reading(false);
    REQUIRE_FALSE(room.channel.broadcast("room:a", "important", std::string(2'000, 'x')));
    REQUIRE_FALSE(room.channel.broadcast("room:b", "important", std::string(5'000, 'x')));
    room.kit->run();
    CHECK(large.close_code() == 1013);
    CHECK_FALSE(small.close_code());
}

TEST_CASE("past the handler's limit what may be dropped is dropped before a session ends") {
    chain::Limits limits;
    limits.unsent_bytes = 20'000;
    LossyRoom room(limits);
    auto client = room.member();
    client.reading(false);
    for (int i = 0; i < 40; ++i) room.tell("tick", std::string(1000, 'x'));
    CHECK_FALSE(client.close_code());
    CHECK(room.unsent() < 20'000);
    CHECK(room.drops->of(Errc::oldest_dropped) > 15);
}

TEST_CASE("a slow client whose leave handler takes its time costs nobody else a session") {
    test::Gate gate;
    auto config = test::quiet();
    config.limits.unsent_bytes = 8'000;
    auto channel = left_through(gate);
    Kit kit{test::handler_with({channel}, std::move(config))};
    auto small = kit.connect(), large = kit.connect();
    test::join(small, "room:a");
    test::join(large, "room:b");
    small.reading(false);
    large.reading(false);
    channel.broadcast("room:a", "important", 1);
    kit.run();
    channel.broadcast("room:b", "important", std::string(9'000, 'x'));
    kit.run();
    CHECK(large.session().closed());
    CHECK_FALSE(small.session().closed());
    CHECK_FALSE(small.session().push("[2,\"room:a\",\"important\",2]"));
    kit.run();
    CHECK(catch_up(small) == Frames{slow_said("important", 1), slow_said("important", 2)});
    gate.open();
    kit.run();
    CHECK(large.close_code() == 1013);
}

TEST_CASE("what a slow client has begun to read is sent whole before its leave handler has ended") {
    test::Gate gate;
    auto config = test::quiet();
    config.limits.unsent_bytes_per_session = 1'000;
    auto channel = left_through(gate);
    Kit kit{test::handler_with({channel}, std::move(config))};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.accept_at_most(5);
    for (int i = 0; i < 3; ++i) {
        channel.broadcast("room:a", "n", std::string(800, 'x'));
        kit.run();
        client.reading(false);
    }
    CHECK(client.session().closed());
    gate.open();
    kit.run();
    CHECK(client.close_code() == 1013);
    CHECK(client.receive_all() == Frames{slow_said("n", std::string(800, 'x'))});
}

TEST_CASE("while the handler's limit is met an out handler's broadcasts are kept as others are") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on_out("seen", [](Socket&, Json what) -> std::optional<Json> { return what; });
    Kit kit{test::handler_with({room})};
    auto client = kit.connect();
    test::join(client, "room:a");
    client.reading(false);
    room.broadcast("room:a", "plain", 1);
    kit.run();
    // As when much waits for clients of another lane.
    auto& unsent = chain::detail::HandlerAccess::core(kit.handler())->unsent();
    const auto before = unsent.load();
    unsent = chain::Limits{}.unsent_bytes + 1;
    room.broadcast("room:a", "plain", 2);
    room.broadcast("room:a", "seen", 3);
    unsent = before;
    kit.run();
    CHECK(catch_up(client) ==
          Frames{slow_said("plain", 1), slow_said("plain", 2), R"([0,1,0,"room:a","seen",3])"});
}

TEST_CASE("what an out handler returns and cannot be sent is dropped and counted, with why") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&) {});
    room.on_out("bad", [](Socket&, const Json&) -> std::optional<Json> { return "\xFF"; });
    room.on_out("bare", [](Socket&, const Json&) -> std::optional<Json> { return 1; });
    const auto drops = std::make_shared<Drops>();
    chain::HandlerConfig config;
    config.observer = drops;
    config.phoenix = chain::PhoenixClients::strict;
    Kit kit{test::handler_with({room}, config)};
    auto client = kit.connect();
    test::join(client, "room:a");
    for (const auto* event : {"bad", "bare", "good"})
        REQUIRE_FALSE(room.broadcast("room:a", event, Json::object()));
    kit.run();
    CHECK(client.receive_all() == Frames{slow_said("good", Json::object())});
    CHECK(drops->of(Errc::invalid_payload) == 1);
    CHECK(drops->of(Errc::not_an_object) == 1);
}

// -------------------------------------------------------------------------------------------------
// 1013 and resuming

namespace {

struct SlowResumer {
    SlowResumer() {
        chain::Request request;
        request.query = {{"resume", "1"}};
        client = room.kit->connect(request);
        token = take_token();
        test::join(*client, "room:a");
        client->reading(false);
    }
    std::string take_token() {
        const auto first = client->receive();
        REQUIRE(first);
        const auto payload = Json::parse(*first)[5];
        resumed = payload["resumed"];
        return payload["token"];
    }
    /// Broadcasts until the client is closed. @return how many messages that were
    int until_closed(int from) {
        int i = from;
        for (; i < from + 1000 && !client->close_code(); ++i) room.tell("important", i);
        return i;
    }
    void come_back(int received) {
        chain::Request request;
        request.query = {{"session", token}, {"received", std::to_string(received)}};
        client = room.kit->connect(request);
        token = take_token();
    }

    LossyRoom room;
    std::optional<Client> client;
    std::string token;
    bool resumed = false;
};

} // namespace

TEST_CASE("pain 4: a client that can resume is closed with 1013 and loses nothing when it comes "
          "back") {
    SlowResumer slow;
    auto sent = slow.until_closed(0);
    CHECK(slow.client->close_code() == 1013);
    CHECK(slow.room.kit->handler().sessions() == 1);
    for (int i = 0; i < 5; ++i) slow.room.tell("important", sent++);

    slow.come_back(1);
    CHECK(slow.resumed);
    Frames expected;
    for (int i = 0; i < sent; ++i) expected.push_back(slow_said("important", i));
    CHECK(slow.client->receive_all() == expected);
    CHECK(slow.room.drops->counts.empty());
    CHECK(slow.room.unsent() == 0);
    // It has caught up: it may fall behind again.
    slow.client->reading(false);
    slow.until_closed(sent);
    CHECK(slow.client->close_code() == 1013);
    CHECK(slow.room.kit->handler().sessions() == 1);
}

TEST_CASE("a client that is closed with 1013 and stays away ends when as much again waits") {
    SlowResumer slow;
    const auto sent = slow.until_closed(0);
    for (int i = 0; i < 2 * sent && slow.room.kit->handler().sessions() == 1; ++i)
        slow.room.tell("important", i);
    CHECK(slow.room.kit->handler().sessions() == 0);
    CHECK(slow.room.drops->of(Errc::slow_consumer) > static_cast<std::size_t>(sent));
    slow.come_back(1);
    CHECK_FALSE(slow.resumed);
}

TEST_CASE("what waited for a client that stayed away is dropped with its session, as closed") {
    SlowResumer slow;
    slow.client->lose_connection();
    for (int i = 0; i < 3; ++i) slow.room.tell("important", i);
    slow.room.kit->advance(std::chrono::minutes(1));
    CHECK(slow.room.kit->handler().sessions() == 0);
    CHECK(slow.room.drops->of(Errc::closed) == 3);
    CHECK(slow.room.drops->of(Errc::slow_consumer) == 0);
}

// -------------------------------------------------------------------------------------------------
// The outbox against a naive model

namespace {

using chain::detail::Fate, chain::detail::FrameWriter, chain::detail::Outbox,
    chain::detail::SharedFate, chain::detail::Slice;

struct ModelFrame {
    std::string text;
    SharedFate fate;
};

/// Numbers frames as "TEXT\n", and notices as "gap TOPIC COUNT\n".
struct ModelWriter final : FrameWriter {
    void gap(std::string& out, const std::string& topic, std::uint32_t count,
             std::uint32_t) override {
        out += "gap " + topic + " " + std::to_string(count) + "\n";
    }
    void again(std::string& out, std::string_view framed, std::uint32_t) override { out += framed; }
};

SharedFate random_fate(std::mt19937& random) {
    const auto topic = std::string("t") + static_cast<char>('0' + random() % 2);
    switch (random() % 3) {
    case 0: return nullptr;
    case 1: return std::make_shared<Fate>(Fate{SlowPolicy::Kind::drop_oldest, topic, {}});
    default:
        return std::make_shared<Fate>(
            Fate{SlowPolicy::Kind::conflate, topic, topic + std::to_string(random() % 3)});
    }
}

/// What waits, whole frames only, in the simplest way.
struct OutboxModel {
    std::vector<ModelFrame> waiting;
    std::map<std::string, std::size_t> lost; ///< By topic, since the last tidying.
    std::size_t dropped = 0;

    void add(const ModelFrame& frame) {
        if (frame.fate && frame.fate->kind == SlowPolicy::Kind::conflate)
            dropped += std::erase_if(waiting, [&](const ModelFrame& other) {
                return other.fate && other.fate->key == frame.fate->key &&
                       other.fate->kind == SlowPolicy::Kind::conflate;
            });
        waiting.push_back(frame);
    }
    void shed(std::size_t frames) {
        for (std::size_t i = 0; i < waiting.size() && waiting.size() > frames;) {
            const auto& fate = waiting[i].fate;
            if (!fate || fate->kind != SlowPolicy::Kind::drop_oldest) {
                ++i;
                continue;
            }
            ++lost[fate->topic];
            ++dropped;
            waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
};

} // namespace

TEST_CASE("the outbox drops what a naive model drops, numbers the rest, and tells of every gap") {
    std::mt19937 random(11);
    for (auto run = test::rounds(300); run > 0; --run) {
        Outbox outbox;
        OutboxModel model;
        ModelWriter writer;
        std::size_t dropped = 0;
        Slice begin;
        begin.append_framed("first\n", true);
        outbox.keep(begin, 3, nullptr); // what is begun is never dropped
        for (int step = 0; step < 40; ++step) {
            Slice slice;
            for (auto count = random() % 4; count > 0; --count) {
                const ModelFrame frame{std::to_string(step) + std::string(random() % 30, '.') +
                                           "\n",
                                       random_fate(random)};
                slice.append_framed(frame.text, true);
                if (frame.fate) slice.may_drop(frame.fate);
                model.add(frame);
            }
            if (slice.count() > 0) dropped += outbox.keep(slice, 0, nullptr);
            if (random() % 3 == 0) {
                const auto most = random() % 12;
                dropped += outbox.shed({1 << 20, most});
                model.shed(most);
            }
            REQUIRE(dropped == model.dropped);
            REQUIRE(outbox.waiting_frames() == model.waiting.size());
            std::size_t i = 0, bytes = 3;
            outbox.waiting([&](std::string_view framed, const SharedFate&) {
                REQUIRE(framed == model.waiting[i].text);
                bytes += model.waiting[i++].text.size();
            });
            REQUIRE(outbox.unsent() == bytes);
        }
        outbox.tidy(writer);
        REQUIRE(outbox.next() == outbox.sent() + 1 + model.waiting.size() + model.lost.size());
        std::string text(outbox.front());
        std::size_t gaps = 0;
        for (const auto& [topic, count] : model.lost) {
            const auto notice = "gap " + topic + " " + std::to_string(count) + "\n";
            const auto at = text.find(notice);
            REQUIRE(at != std::string::npos);
            text.erase(at, notice.size());
            ++gaps;
        }
        std::string expected = "st\n";
        for (const auto& frame : model.waiting) expected += frame.text;
        REQUIRE(text == expected);
        outbox.handed_over(outbox.unsent(), nullptr);
        REQUIRE(outbox.idle());
        REQUIRE(outbox.sent() == 1 + model.waiting.size() + gaps);
    }
}
