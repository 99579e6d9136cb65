// How long a client may go on, and the new token that it shows in time.
#include "../support/core.hpp"

#include <chain/detail/handler_core.hpp>

#include <stdexcept>

using chain::Json, chain::Refusal, chain::Session, chain::Socket;
using chain::testing::Client, chain::testing::Kit;
using test::frame, test::Frames, test::Gate;
using namespace std::chrono_literals;

namespace {

class ExpiryObserver final : public chain::Observer {
  public:
    void session_expired() override { ++expired; }
    int expired = 0;
};

/// Lets clients in for a minute, and for one more with the token "good".
struct ExpiringRoom {
    ExpiringRoom() {
        channel.on_join([](Socket&) {});
        channel.on_leave([this](Socket&, chain::LeaveReason) { ++left; });
        chain::HandlerConfig config;
        config.observer = observer;
        chain::Handler handler{config};
        handler.add(channel);
        handler.on_connect([this](Session& session, const chain::Request& request) {
            if (!request.param("forever")) session.expires_at(wall() + 60s);
        });
        handler.on_refresh([this](Session& session, const Json& payload) -> std::optional<Refusal> {
            const auto token = payload.value("token", "");
            if (token == "throw") throw std::runtime_error("secret details");
            if (token == "close") session.close(1000, "by the handler");
            if (token != "good") return Refusal{403, "bad token"};
            session.expires_at(wall() + 60s);
            return std::nullopt;
        });
        kit.emplace(handler);
    }
    chain::detail::WallTime wall() {
        return chain::detail::HandlerAccess::core(kit->handler())->clock().wall();
    }
    Client member(chain::Request request = {}) {
        auto client = kit->connect(std::move(request));
        test::join(client, "room:a");
        return client;
    }

    std::shared_ptr<ExpiryObserver> observer = std::make_shared<ExpiryObserver>();
    chain::Channel channel{"room:*"};
    int left = 0;
    std::optional<Kit> kit;
};

/// Lets clients in for a minute, and looks at their tokens once the gate is open.
struct RefreshingLater {
    explicit RefreshingLater(Gate& gate) {
        chain::Handler handler{test::quiet()};
        handler.on_connect([this](Session& session, const chain::Request&) {
            session.expires_at(chain::detail::HandlerAccess::core(kit->handler())->clock().wall() +
                               60s);
        });
        handler.on_refresh(
            [&gate](Session& session,
                    const Json& payload) -> chain::net::awaitable<std::optional<Refusal>> {
                const auto token = payload.at("token").get<std::string>();
                co_await gate.wait();
                if (token == "throw") throw std::runtime_error("secret details");
                std::optional<Refusal> refusal;
                if (token == "bad") refusal = Refusal{403, "bad token"};
                if (!refusal) session.expires_at(std::nullopt);
                co_return refusal;
            });
        kit.emplace(handler);
    }

    std::optional<Kit> kit;
};

std::string refreshed(int ref, std::string_view token) {
    return "[0,0," + std::to_string(ref) + R"(,"_chain","_refresh",{"token":")" +
           std::string(token) + "\"}]";
}

/// How much is left as the client is asked for a token, or -1.
int expiry_asked(Client& client) {
    const auto got = client.receive();
    if (!got || !got->starts_with(R"([0,0,0,"_chain","_expiring",)")) return -1;
    return Json::parse(*got)[5]["expires_in_ms"];
}

} // namespace

TEST_CASE("pain 8: a client is asked for a new token before its authorisation expires, and goes on "
          "with it") {
    ExpiringRoom room;
    auto client = room.member();
    room.kit->advance(29s);
    CHECK_FALSE(client.receive());
    room.kit->advance(1100ms);
    const auto left = expiry_asked(client);
    CHECK(left > 28'000);
    CHECK(left <= 30'000);
    client.send(refreshed(7, "good"));
    CHECK(client.receive() == R"([1,0,7,0,{"expires_in_ms":60000}])");
    room.kit->advance(29s);
    CHECK_FALSE(client.receive());
    room.kit->advance(2s);
    CHECK(expiry_asked(client) > 0);
    CHECK_FALSE(client.close_code());
    CHECK(room.observer->expired == 0);
}

TEST_CASE("pain 8: a client that shows no new token is closed with 4002 after the grace, and its "
          "memberships end") {
    ExpiringRoom room;
    auto client = room.member();
    room.kit->advance(60s);
    CHECK(expiry_asked(client) > 0);
    room.kit->advance(9s);
    CHECK_FALSE(client.close_code());
    CHECK(client.session().expires_at() == room.wall() - 9s);
    room.kit->advance(1100ms);
    CHECK(client.close_code() == 4002);
    CHECK(room.left == 1);
    CHECK(room.observer->expired == 1);
    CHECK(room.kit->handler().sessions() == 0);
    room.kit->advance(2min);
    CHECK(room.observer->expired == 1);
}

TEST_CASE("a token that is refused, or for which the handler throws, is answered so; another try "
          "is welcome within the grace") {
    ExpiringRoom room;
    auto client = room.member();
    room.kit->advance(65s);
    REQUIRE(expiry_asked(client) > 0);
    client.send(refreshed(1, "bad"));
    CHECK(client.receive() == R"([1,0,1,1,{"reason":"bad token"}])");
    client.send(refreshed(2, "throw"));
    CHECK(client.receive() == R"([1,0,2,1,{"reason":"internal error"}])");
    client.send(refreshed(3, "good"));
    CHECK(client.receive() == R"([1,0,3,0,{"expires_in_ms":60000}])");
    room.kit->advance(20s);
    CHECK_FALSE(client.close_code());
    client.send(refreshed(4, "close"));
    CHECK(client.close_code() == 1000);
}

TEST_CASE("a refresh handler may be a coroutine: the session goes on meanwhile, another token is "
          "answered busy, and what it says counts") {
    Gate gate;
    RefreshingLater room{gate};
    auto client = room.kit->connect();
    client.send(refreshed(1, "bad"));
    client.send(refreshed(2, "good"));
    CHECK(client.receive() == R"([1,0,2,1,{"reason":"busy"}])");
    client.send(R"([0,0,3,"_chain","_heartbeat",null])");
    CHECK(client.receive() == "[1,0,3,0,null]");
    CHECK(gate.waiting() == 1);
    gate.open();
    room.kit->run();
    CHECK(client.receive() == R"([1,0,1,1,{"reason":"bad token"}])");
    client.send(refreshed(4, "throw"));
    CHECK(client.receive() == R"([1,0,4,1,{"reason":"internal error"}])");
    client.send(R"([0,0,5,"_chain","_refresh",{}])");
    CHECK(client.receive() == R"([1,0,5,1,{"reason":"internal error"}])");
    client.send(refreshed(6, "good"));
    CHECK(client.receive() == "[1,0,6,0,{}]");
    CHECK_FALSE(client.session().expires_at());
}

TEST_CASE("a session may end, and its io_context go, while a refresh handler runs") {
    Gate gate;
    RefreshingLater room{gate};
    auto client = room.kit->connect();
    auto other = room.kit->connect();
    client.send(refreshed(1, "good"));
    other.send(refreshed(1, "good"));
    room.kit->advance(80s); // the grace is over
    CHECK(client.close_code() == 4002);
    CHECK(room.kit->handler().sessions() == 0);
    CHECK(gate.waiting() == 2);
    gate.open();
    room.kit->run();
    CHECK(gate.waiting() == 0);

    gate.close();
    auto third = room.kit->connect();
    third.send(refreshed(1, "good"));
    CHECK(gate.waiting() == 1);
    room.kit.reset();
    CHECK(gate.waiting() == 0);
}

TEST_CASE("without expires_at a session goes on for ever, and without a refresh handler a token is "
          "an unknown event") {
    chain::Channel channel{"room:*"};
    channel.on_join([](Socket&) {});
    Kit kit{test::handler_with({channel})};
    auto client = kit.connect();
    test::join(client, "room:a");
    kit.advance(2min);
    client.send(refreshed(1, "good"));
    CHECK(client.receive() == R"([1,0,1,1,{"reason":"unknown event"}])");
    CHECK_FALSE(client.session().expires_at());

    ExpiringRoom room;
    chain::Request request;
    request.query = {{"forever", "1"}};
    auto eternal = room.member(request);
    eternal.send(refreshed(2, "good"));
    CHECK(eternal.receive() == R"([1,0,2,0,{"expires_in_ms":60000}])");
    eternal.session().expires_at(std::nullopt);
    room.kit->advance(2min);
    CHECK_FALSE(eternal.close_code());
}

TEST_CASE(
    "an authorisation of hours, one without end, and one that ended long ago are timed right") {
    ExpiringRoom room;
    auto hours = room.member();
    auto endless = room.member();
    auto old = room.member();
    hours.session().expires_at(room.wall() + 70min);
    endless.session().expires_at(chain::detail::WallTime::max());
    old.session().expires_at(chain::detail::WallTime::min());
    room.kit->advance(1s);
    CHECK(old.close_code() == 4002);
    room.kit->advance(69min);
    CHECK_FALSE(hours.receive());
    room.kit->advance(40s);
    CHECK(expiry_asked(hours) > 0);
    CHECK_FALSE(endless.receive());
}

TEST_CASE("a client that comes back is asked again, and one that stays away expires") {
    ExpiringRoom room;
    chain::Request request;
    request.query = {{"resume", "1"}};
    auto client = room.kit->connect(request);
    const auto token = Json::parse(*client.receive())[5]["token"].get<std::string>();
    room.kit->advance(50s);
    REQUIRE(expiry_asked(client) > 0);
    client.lose_connection();
    request.query = {{"session", token}, {"received", "0"}};
    auto back = room.kit->connect(request);
    const auto told = Json::parse(*back.receive())[5];
    CHECK(told["resumed"] == true);
    CHECK(expiry_asked(back) > 0);
    back.lose_connection();
    room.kit->advance(21s);
    CHECK(room.kit->handler().sessions() == 0);
    request.query = {{"session", told["token"]}, {"received", "0"}};
    auto late = room.kit->connect(request);
    CHECK(Json::parse(*late.receive())[5]["reason"] == "expired");
}
