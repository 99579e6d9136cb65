// Drain: connections closed in batches, sessions that wait for their clients, and its being called
// off; with virtual time and clients in memory.
#include "support/core.hpp"

#include <chain/detail/drain_plan.hpp>
#include <chain/serializers/chain.hpp>
#include <chain/transports/sse.hpp>

#include <memory>
#include <optional>
#include <utility>

using chain::Json, chain::LeaveReason, chain::Reply, chain::Request, chain::Socket;
using chain::detail::DrainPlan;
using chain::testing::Client;
using namespace std::chrono_literals;
using test::frame;
using test::Frames;

namespace {

struct DrainFixture {
    explicit DrainFixture(chain::Drain drain = {.per_second = 0}) : kit(make(drain)) {}

    chain::Handler make(chain::Drain drain) {
        auto config = test::quiet();
        config.drain = drain;
        room.on_join([](Socket&, const Json&) { return Reply::ok(); });
        room.on_leave([this](Socket&, LeaveReason) { ++left; });
        room.on("say", [](Socket& socket, const Json& what) {
            socket.broadcast("say", what);
            return Reply::ok();
        });
        return test::handler_with({room}, std::move(config));
    }

    /// A client that can resume, or one that cannot, in the room.
    Client member(bool resumable = true) {
        Request request;
        if (resumable) request.query.emplace_back("resume", "1");
        auto client = kit.connect(std::move(request));
        if (resumable) token(client);
        test::join(client, "room:a");
        return client;
    }
    std::string token(Client& client) {
        const auto first = Json::parse(client.receive().value_or("[]"));
        REQUIRE(first.size() == 6);
        last_resumed = first[5]["resumed"];
        return tokens.emplace_back(first[5]["token"]);
    }
    Client resume(const std::string& token, int received) {
        Request request;
        request.query = {{"session", token}, {"received", std::to_string(received)}};
        return kit.connect(std::move(request));
    }
    void drain(std::chrono::milliseconds deadline = 30s) {
        kit.handler().drain(deadline, [this] { done = true; });
        kit.run();
    }
    void tell(int number) {
        room.broadcast("room:a", "n", number);
        kit.run();
    }

    chain::Channel room{"room:*"};
    std::vector<std::string> tokens;
    int left = 0;
    bool done = false;
    bool last_resumed = false;
    chain::testing::Kit kit;
};

std::size_t sent_away(const std::vector<Client>& clients) {
    return static_cast<std::size_t>(std::ranges::count_if(
        clients, [](const Client& client) { return client.close_code() == 1012; }));
}

/// What came, without acknowledgements.
Frames heard(Client& client) {
    auto frames = client.receive_all();
    std::erase_if(frames, [](const auto& text) { return text.starts_with("[3,"); });
    return frames;
}

} // namespace

TEST_CASE("a drain's plan closes everything, evenly, whatever the numbers are") {
    for (const std::size_t count : {0, 1, 2, 7, 100, 5000})
        for (const int steps : {0, 1, 3, 100})
            for (std::uint8_t seed = 0; seed < 50; ++seed) {
                chain::detail::RandomId id{};
                id[0] = seed;
                DrainPlan plan(count, steps, id);
                const auto most = steps > 0 ? count / static_cast<std::size_t>(steps) + 1 : count;
                std::size_t before = 0;
                int taken = 0;
                for (bool ended = false; !ended; ++taken) {
                    const auto due = plan.due(taken);
                    ended = plan.ended(taken);
                    if (due < before || due > count || due - before > most + 1) FAIL("uneven");
                    before = due;
                }
                if (before != count || taken != std::max(steps, 1)) FAIL("not all");
            }
}

TEST_CASE("those that have few connections to close do not all close them in the same step") {
    std::vector<int> closes(100);
    for (std::uint8_t seed = 0; seed < 200; ++seed) {
        chain::detail::RandomId id{};
        id[0] = seed;
        id[1] = static_cast<std::uint8_t>(seed * 7);
        DrainPlan plan(1, 100, id);
        std::size_t step = 0;
        while (plan.due(static_cast<std::int64_t>(step)) == 0) ++step;
        ++closes[step];
    }
    CHECK(std::ranges::max(closes) < 20);
}

TEST_CASE("the window of a drain is shortened for few connections, and by the deadline") {
    const auto window = [](chain::Drain drain, std::size_t count, std::chrono::milliseconds d) {
        return chain::detail::drain_window(drain, count, d);
    };
    CHECK(window({}, 1000, 10s) == 5s);
    CHECK(window({}, 10, 10s) == 100ms);
    CHECK(window({}, 100'000, 4s) == 2s);
    CHECK(window({.window = 20s, .per_second = 0}, 1, 60s) == 20s);
}

TEST_CASE("pain 6: a drain closes connections spread over its window: in no second more than 1.5 "
          "times the spread, and all at its end") {
    const bool resumable = GENERATE(true, false);
    DrainFixture f({.window = 5s, .per_second = 0});
    std::vector<Client> clients;
    for (int i = 0; i < 500; ++i) clients.push_back(f.member(resumable));
    f.drain();
    std::vector<std::size_t> by{sent_away(clients)};
    for (int i = 0; i < 100; ++i) {
        f.kit.advance(50ms);
        by.push_back(sent_away(clients));
    }
    CHECK(by.back() == 500);
    std::size_t most = 0;
    for (std::size_t i = 20; i < by.size(); ++i) most = std::max(most, by[i] - by[i - 20]);
    CHECK(most <= 150);
    CHECK(f.done);
    CHECK(f.left == 500);
    CHECK(f.kit.handler().sessions() == 0);
}

TEST_CASE("few connections are closed at once") {
    DrainFixture f(chain::Drain{});
    auto ann = f.member();
    auto bob = f.member(false);
    f.drain();
    CHECK(ann.close_code() == 1012);
    CHECK(bob.close_code() == 1012);
    CHECK(f.done);
    CHECK(f.left == 2);
}

TEST_CASE("what was sent before a drain reaches a client that reads slowly, before its close") {
    DrainFixture f({.window = 1s, .per_second = 0});
    auto ann = f.member();
    ann.reading(false);
    for (int i = 0; i < 3; ++i) f.tell(i);
    f.drain();
    f.kit.advance(2s);
    CHECK(ann.close_code() == 1012);
    CHECK(ann.receive_all() ==
          Frames{R"([2,"room:a","n",0])", R"([2,"room:a","n",1])", R"([2,"room:a","n",2])"});
}

TEST_CASE("while it drains a client that comes back is sent away, and its session waits") {
    DrainFixture f({.window = 5s, .per_second = 0});
    std::vector<Client> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(f.member());
    f.drain();
    f.kit.advance(4s);
    CHECK(sent_away(clients) >= 15);
    CHECK(f.kit.handler().sessions() == 20);
    CHECK(f.left == 0);
    for (const auto& token : f.tokens) {
        const auto early = f.resume(token, 1);
        REQUIRE(early.refusal());
        CHECK(early.refusal()->status == 503);
    }
    CHECK(f.kit.handler().sessions() == 20);
    f.kit.advance(1s);
    CHECK(f.kit.handler().sessions() == 0);
    CHECK(f.left == 20);
    CHECK(f.done);
}

TEST_CASE("a drain that is called off loses nothing: all resume") {
    DrainFixture f({.window = 4s, .per_second = 0});
    std::vector<Client> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(f.member());
    const auto tokens = f.tokens;
    f.tell(1);
    f.drain();
    f.kit.advance(2s);
    f.tell(2);
    f.kit.handler().call_off_drain();
    CHECK_FALSE(f.kit.handler().draining());
    f.kit.advance(4s);
    f.tell(3);
    const auto away = sent_away(clients);
    CHECK(away >= 40);
    CHECK(away <= 60);

    for (std::size_t i = 0; i < clients.size(); ++i) {
        auto frames = heard(clients[i]);
        if (clients[i].close_code()) {
            const auto received = static_cast<int>(frames.size()) + 1; // and the join's reply
            auto back = f.resume(tokens[i], received);
            f.token(back);
            REQUIRE(f.last_resumed);
            for (auto& more : heard(back)) frames.push_back(more);
            clients[i] = back;
        }
        REQUIRE(frames ==
                Frames{R"([2,"room:a","n",1])", R"([2,"room:a","n",2])", R"([2,"room:a","n",3])"});
    }
    CHECK(f.left == 0);
    CHECK(f.kit.handler().sessions() == 100);
    f.kit.advance(60s);
    CHECK_FALSE(f.done);
    auto late = f.member();
    late.send(frame(1, 2, "room:a", "say", "4"));
    CHECK(heard(clients[0]) == Frames{R"([2,"room:a","say",4])"});
}

TEST_CASE("a drain after one that was called off ends all, and tells") {
    DrainFixture f({.window = 1s, .per_second = 0});
    auto ann = f.member();
    f.drain();
    f.kit.handler().call_off_drain();
    f.drain();
    f.kit.advance(2s);
    CHECK(ann.close_code() == 1012);
    CHECK(f.done);
}

TEST_CASE("the deadline of a drain that was called off tells nothing") {
    DrainFixture f({.window = 10s, .per_second = 0});
    auto ann = f.member();
    f.drain(500ms);
    f.kit.handler().call_off_drain();
    f.kit.advance(5s);
    CHECK_FALSE(f.done);
}

TEST_CASE("what the callback of a drain holds is let go once it was called, or called off") {
    DrainFixture f;
    const auto held = std::make_shared<int>(0);
    auto ann = f.member();
    f.kit.handler().drain(60s, [held] { ++*held; });
    f.kit.run();
    f.kit.handler().call_off_drain();
    CHECK(held.use_count() == 1);
    f.kit.handler().drain(60s, [held] { ++*held; });
    f.kit.advance(10s);
    CHECK(*held == 1);
    CHECK(held.use_count() == 1);
}

TEST_CASE(
    "a stream on whose client a coroutine decides when a drain begins is told to come again") {
    test::Gate gate;
    auto handler = test::handler_with({test::plain_room()});
    const auto sse = std::make_shared<chain::SseTransport>();
    handler.add(sse).on_connect(
        [&](chain::Session&, const Request&) -> chain::net::awaitable<void> {
            co_await gate.wait();
        });
    chain::testing::Kit kit{handler};
    Request request;
    request.target = "/socket/sse";
    std::optional<chain::detail::HttpAnswer> answer;
    sse->serve({kit.context().get_executor()}, std::move(request),
               [&](chain::detail::HttpAnswer got) { answer = std::move(got); });
    kit.run();
    REQUIRE_FALSE(answer);
    handler.drain(30s, [] {});
    gate.open();
    kit.run();
    REQUIRE(answer);
    CHECK(answer->status == 200); // an EventSource that is answered 503 never comes back
    CHECK(answer->body == "retry: 1000\n\n");
    CHECK_FALSE(answer->take_over);
}

TEST_CASE("an acknowledgement leaves nothing of the message that was read before it") {
    chain::Message message;
    const std::string push = R"([0,1,2,"room:a","say",{}])";
    REQUIRE_FALSE(chain::chain_serializer()->decode(push, false, 64, message));
    REQUIRE_FALSE(chain::chain_serializer()->decode("[3,7]", false, 64, message));
    CHECK(message.kind == chain::MessageKind::ack);
    CHECK(message.count == 7);
    CHECK(message.topic.empty());
    CHECK(message.event.empty());
    CHECK(message.join_ref.empty());
    CHECK(message.ref.empty());
}
