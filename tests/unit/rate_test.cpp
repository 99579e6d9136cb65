// Rate limits: of joins and events of a session, of single events, and of a peer address.
#include "../support/core.hpp"

#include <chain/detail/peer_table.hpp>
#include <chain/detail/token_bucket.hpp>

using chain::Errc, chain::Json, chain::Rate, chain::Reply, chain::Socket;
using chain::detail::PeerTable, chain::detail::TokenBucket;
using chain::testing::Client, chain::testing::Kit;
using test::frame, test::Frames;
using namespace std::chrono_literals;

namespace {

using BucketTime = chain::detail::Clock::Time;

std::string limited(int join_ref, int ref, int after) {
    return "[1," + std::to_string(join_ref) + "," + std::to_string(ref) +
           R"(,1,{"reason":"rate limited","retry_after_ms":)" + std::to_string(after) + "}]";
}

std::string answered(int ref) { return "[1,1," + std::to_string(ref) + ",0,{}]"; }

/// Counts what is refused for coming too often.
class RateObserver final : public chain::Observer {
  public:
    void rate_limited(std::string_view what) override { seen.emplace_back(what); }
    void session_refused(chain::error_code why) override { refused.push_back(why.value()); }

    Frames seen;
    std::vector<int> refused;
};

struct RateRoom {
    explicit RateRoom(chain::HandlerConfig config) {
        config.observer = observer;
        channel.on_join([](Socket&) {});
        channel.on("say", [](Socket&) { return Reply::ok(); });
        channel.on("rare", [](Socket&) { return Reply::ok(); });
        channel.limit("rare", {.per_second = 1, .burst = 1});
        kit.emplace(test::handler_with({channel}, std::move(config)));
    }
    Client from(const std::string& address) {
        chain::Request request;
        request.peer_address = address;
        return kit->connect(request);
    }

    std::shared_ptr<RateObserver> observer = std::make_shared<RateObserver>();
    chain::Channel channel{"room:*"};
    std::optional<Kit> kit;
};

} // namespace

TEST_CASE("a token bucket gives its burst at once, then so many a second, and says when the next "
          "is there") {
    const Rate rate{.per_second = 4, .burst = 3};
    TokenBucket bucket;
    BucketTime now{10s};
    for (int i = 0; i < 3; ++i) CHECK(bucket.take(rate, now) == 0ms);
    CHECK(bucket.take(rate, now) == 250ms);
    now += 100ms;
    CHECK(bucket.take(rate, now) == 150ms);
    now += 150ms;
    CHECK(bucket.take(rate, now) == 0ms);
    CHECK(bucket.take(rate, now) == 250ms);
    now += 1h;
    CHECK(bucket.full(rate, now));
    for (int i = 0; i < 3; ++i) CHECK(bucket.take(rate, now) == 0ms);
    CHECK(bucket.take(rate, now) > 0ms);
    TokenBucket plain; // without a burst, as many as in a second
    for (int i = 0; i < 5; ++i) CHECK(plain.take({.per_second = 5}, now) == 0ms);
    CHECK(plain.take({.per_second = 5}, now) == 200ms);
}

TEST_CASE("pain 20: a session's events past its rate are answered with when to try again; the "
          "session lives on") {
    chain::HandlerConfig config;
    config.rates.events = {.per_second = 2, .burst = 3};
    RateRoom room(config);
    auto client = room.kit->connect();
    auto other = room.kit->connect();
    test::join(client, "room:a");
    test::join(other, "room:a");
    for (int ref = 2; ref < 5; ++ref) {
        client.send(frame(1, ref, "room:a", "say"));
        CHECK(client.receive() == answered(ref));
    }
    client.send(frame(1, 5, "room:a", "say"));
    CHECK(client.receive() == limited(1, 5, 500));
    client.send(frame(1, 6, "room:nowhere", "say"));
    CHECK(client.receive() == limited(1, 6, 500));
    client.send(R"([0,0,7,"_chain","_heartbeat",null])");
    CHECK(client.receive() == "[1,0,7,0,null]");
    other.send(frame(1, 2, "room:a", "say"));
    CHECK(other.receive() == answered(2));

    room.kit->advance(500ms);
    client.send(frame(1, 8, "room:a", "say"));
    CHECK(client.receive() == answered(8));
    client.send(frame(1, 9, "room:a", "_leave"));
    CHECK(client.receive() == answered(9));
    CHECK_FALSE(client.close_code());
    CHECK(room.observer->seen == Frames{"event", "event"});
}

TEST_CASE("a session's joins have a rate of their own") {
    chain::HandlerConfig config;
    config.rates.joins = {.per_second = 1, .burst = 2};
    RateRoom room(config);
    auto client = room.kit->connect();
    test::join(client, "room:a", 1);
    test::join(client, "room:b", 2);
    client.send(frame(3, 3, "room:c", "_join"));
    CHECK(client.receive() == limited(3, 3, 1000));
    for (int ref = 4; ref < 14; ++ref) client.send(frame(1, ref, "room:a", "say"));
    CHECK(client.receive_all().size() == 10);
    room.kit->advance(1s);
    test::join(client, "room:c", 3);
    CHECK(room.observer->seen == Frames{"join"});
}

TEST_CASE("an event may have a rate of its own, which each session has for itself") {
    RateRoom room({});
    auto client = room.kit->connect();
    auto other = room.kit->connect();
    test::join(client, "room:a");
    test::join(other, "room:a");
    client.send(frame(1, 2, "room:a", "rare"));
    CHECK(client.receive() == answered(2));
    client.send(frame(1, 3, "room:a", "rare"));
    CHECK(client.receive() == limited(1, 3, 1000));
    client.send(frame(1, 4, "room:a", "say"));
    CHECK(client.receive() == answered(4));
    other.send(frame(1, 2, "room:a", "rare"));
    CHECK(other.receive() == answered(2));
    room.kit->advance(1s);
    client.send(frame(1, 5, "room:a", "rare"));
    CHECK(client.receive() == answered(5));
}

TEST_CASE("without rates nothing is limited") {
    RateRoom room({});
    auto client = room.kit->connect();
    test::join(client, "room:a");
    for (int ref = 2; ref < 502; ++ref) client.send(frame(1, ref, "room:a", "say"));
    CHECK(client.receive_all().size() == 500);
    CHECK(room.observer->seen.empty());
}

TEST_CASE("a peer address has so many sessions at a time") {
    chain::HandlerConfig config;
    config.limits.sessions_per_peer = 2;
    RateRoom room(config);
    auto first = room.from("192.0.2.1");
    const auto second = room.from("192.0.2.1");
    const auto third = room.from("192.0.2.1");
    REQUIRE(third.refusal());
    CHECK(third.refusal()->status == 429);
    CHECK(third.refusal()->reason == "too many sessions from this address");
    CHECK_FALSE(room.from("192.0.2.2").refusal());
    CHECK_FALSE(room.from("").refusal());
    CHECK_FALSE(room.from("unix").refusal());
    first.disconnect();
    room.kit->run();
    CHECK_FALSE(room.from("192.0.2.1").refusal());
    CHECK(room.observer->refused == std::vector{static_cast<int>(Errc::too_many_sessions_of_peer)});
}

TEST_CASE("a client that the connect handler refuses has no place among its peer's sessions") {
    chain::HandlerConfig config = test::quiet();
    config.limits.sessions_per_peer = 1;
    chain::Channel channel{"room:*"};
    auto handler = test::handler_with({channel}, config);
    bool refuse = true;
    handler.on_connect(
        [&](chain::Session&, const chain::Request&) -> std::optional<chain::Refusal> {
            if (refuse) return chain::Refusal{};
            return std::nullopt;
        });
    Kit kit{handler};
    chain::Request request;
    request.peer_address = "192.0.2.1";
    CHECK(kit.connect(request).refusal());
    refuse = false;
    CHECK_FALSE(kit.connect(request).refusal());
    CHECK(kit.connect(request).refusal()->status == 429);
}

TEST_CASE("a peer address that connects too often is answered 429 with Retry-After") {
    chain::HandlerConfig config;
    config.rates.peer_connects = {.per_second = 0.5, .burst = 2};
    RateRoom room(config);
    CHECK_FALSE(room.from("192.0.2.1").refusal());
    CHECK_FALSE(room.from("192.0.2.1").refusal());
    const auto refused = room.from("192.0.2.1");
    REQUIRE(refused.refusal());
    CHECK(refused.refusal()->status == 429);
    CHECK(refused.refusal()->reason == "rate limited");
    CHECK(refused.refusal()->headers == chain::Request::Fields{{"Retry-After", "2"}});
    CHECK_FALSE(room.from("192.0.2.2").refusal());
    room.kit->advance(2s);
    CHECK_FALSE(room.from("192.0.2.1").refusal());
    CHECK(room.observer->refused == std::vector{static_cast<int>(Errc::rate_limited)});
}

TEST_CASE("of an IPv6 address the first 64 bits count, and an IPv4 address in it is one") {
    const auto table = std::make_shared<PeerTable>(1, Rate{});
    const auto first = table->enter("2001:db8:0:1::1", {});
    CHECK(first.place);
    CHECK(table->enter("2001:db8:0:1:ffff::2", {}).full);
    const auto neighbour = table->enter("2001:db8:0:2::1", {});
    CHECK(neighbour.place);
    const auto v4 = table->enter("192.0.2.1", {});
    CHECK(v4.place);
    CHECK(table->enter("::ffff:192.0.2.1", {}).full);
}

TEST_CASE("nothing is remembered of an address that has gone and may connect again") {
    const Rate rate{.per_second = 1, .burst = 1};
    const auto table = std::make_shared<PeerTable>(0, rate);
    BucketTime now{1s};
    for (int i = 0; i < 5000; ++i) {
        now += 10ms;
        const auto address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
        REQUIRE(table->enter(address, now).place);
    }
    CHECK(table->size() <= 1200);
    const auto sessions_only = std::make_shared<PeerTable>(3, Rate{});
    { const auto gone = sessions_only->enter("192.0.2.1", now); }
    CHECK(sessions_only->size() == 0);
}
