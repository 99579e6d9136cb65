// When a lane is woken for what another one sends to it. Two io_contexts that the test runs itself.
#include "../support/core.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using test::frame, test::Frames;

namespace {

/// Keeps what each write brings.
class Writes final : public chain::Connection {
  public:
    chain::Framing framing() const noexcept override { return chain::Framing::lines; }
    std::size_t write(std::string_view bytes) noexcept override {
        all.emplace_back(bytes);
        return bytes.size();
    }
    void close(std::uint16_t, std::string_view, std::string) noexcept override {}

    Frames all;
};

/// A client on each of two lanes, both in "room:a".
class TwoLanes {
  public:
    TwoLanes() : handler(test::handler_with({room()})) {
        for (auto& context : contexts) handler.use(context);
        for (std::size_t i = 0; i < 2; ++i) {
            handler.connect(contexts[i], {}, chain::Framing::lines,
                            [&, i](chain::ConnectResult result) {
                                sessions[i] = *result;
                                sessions[i]->attach(writes[i]);
                            });
            run(i);
            sessions[i]->dispatch(frame(1, 1, "room:a", "_join"));
            run(i);
            writes[i]->all.clear();
        }
    }

    void run(std::size_t lane) {
        contexts[lane].restart();
        contexts[lane].poll();
    }
    /// The first lane's client lets its handler call `act`.
    void act(std::function<void(chain::Socket&)> how) {
        act_ = std::move(how);
        sessions[0]->dispatch(frame(1, 2, "room:a", "act"));
    }

    std::array<chain::net::io_context, 2> contexts;
    chain::Handler handler;
    std::array<std::optional<chain::Session>, 2> sessions;
    std::array<std::shared_ptr<Writes>, 2> writes{std::make_shared<Writes>(),
                                                  std::make_shared<Writes>()};

  private:
    chain::Channel room() {
        auto channel = test::plain_room();
        channel.on("act", [this](chain::Socket& socket, const chain::Payload&) { act_(socket); });
        return channel;
    }

    std::function<void(chain::Socket&)> act_;
};

std::string said(std::initializer_list<int> numbers) {
    std::string text;
    for (const auto number : numbers)
        text += R"([2,"room:a","said",)" + std::to_string(number) + "]\n";
    return text;
}

} // namespace

TEST_CASE("what a handler broadcasts comes to another lane at once, when the handler returns") {
    TwoLanes lanes;
    lanes.act([&](chain::Socket& socket) {
        for (const int number : {1, 2, 3}) {
            socket.broadcast("said", number);
            lanes.run(1);
            CHECK(lanes.writes[1]->all.empty());
        }
    });
    lanes.run(1);
    CHECK(lanes.writes[1]->all == Frames{said({1, 2, 3})});
    lanes.run(0);
    CHECK(lanes.writes[0]->all == Frames{said({1, 2, 3})});
}

TEST_CASE("another thread's broadcast waits for no handler, and brings what came before it") {
    TwoLanes lanes;
    auto handler = lanes.handler;
    lanes.act([&](chain::Socket& socket) {
        socket.broadcast("said", 1);
        std::thread([&] { handler.pubsub().broadcast("room:a", "said", 2); }).join();
        lanes.run(1);
        CHECK(lanes.writes[1]->all == Frames{said({1, 2})});
        socket.broadcast("said", 3);
    });
    lanes.run(1);
    CHECK(lanes.writes[1]->all == Frames{said({1, 2}), said({3})});
    lanes.run(0);
    std::string all;
    for (const auto& write : lanes.writes[0]->all) all += write;
    CHECK(all == said({1, 2, 3}));
}

TEST_CASE("a lane that goes while another one has something for it is not woken any more") {
    auto far = std::make_unique<chain::net::io_context>();
    chain::net::io_context near;
    std::function<void(chain::Socket&)> act;
    auto room = test::plain_room();
    room.on("act", [&](chain::Socket& socket, const chain::Payload&) { act(socket); });
    auto handler = test::handler_with({room});
    handler.use(near);
    handler.use(*far);
    std::vector<chain::Session> sessions;
    for (auto* context : {&near, far.get()}) {
        handler.connect(*context, {}, chain::Framing::lines,
                        [&](chain::ConnectResult result) { sessions.push_back(*result); });
        context->poll();
        context->restart();
        sessions.back().attach(std::make_shared<Writes>());
        sessions.back().dispatch(frame(1, 1, "room:a", "_join"));
        context->poll();
        context->restart();
    }
    act = [&](chain::Socket& socket) {
        socket.broadcast("said", 1);
        far.reset();
    };
    sessions[0].dispatch(frame(1, 2, "room:a", "act"));
    near.poll();
    CHECK(sessions[1].closed());
}

TEST_CASE("what is broadcast while a context goes comes to lanes of other handlers") {
    TwoLanes lanes;
    auto gone = std::make_unique<chain::net::io_context>();
    auto going = test::handler_with({test::plain_room()});
    going.use(*gone);
    going.connect(*gone, {}, chain::Framing::lines, [](const chain::ConnectResult&) {});
    gone->poll();
    going.drain(std::chrono::hours(1), [handler = lanes.handler]() mutable {
        handler.pubsub().broadcast("room:a", "said", 1);
    });
    std::thread([&] { gone.reset(); }).join();
    lanes.run(0);
    lanes.run(1);
    CHECK(lanes.writes[0]->all == Frames{said({1})});
    CHECK(lanes.writes[1]->all == Frames{said({1})});
}
