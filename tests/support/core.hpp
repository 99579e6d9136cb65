// What the tests of the core share: short forms, a recording observer, and a gate for coroutines.
#pragma once

#include "catch.hpp"

#include <chain/chain.hpp>
#include <chain/testing/kit.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace test {

using Frames = std::vector<std::string>;

/// Writes down what it is told, one line each: "joined room:*".
class RecordingObserver final : public chain::Observer {
  public:
    void log(chain::LogLevel, std::string_view text) override { add({"log ", text}); }
    void session_opened() override { add({"opened"}); }
    void session_closed() override { add({"closed"}); }
    void session_refused(chain::error_code why) override { add({"refused ", why.message()}); }
    void joined(std::string_view pattern) override { add({"joined ", pattern}); }
    void join_refused(std::string_view pattern) override { add({"join refused ", pattern}); }
    void left(std::string_view pattern, chain::LeaveReason why) override {
        add({"left ", pattern, " ", std::to_string(static_cast<int>(why))});
    }
    void event_in(std::string_view pattern) override { add({"in ", pattern}); }
    void broadcast(std::string_view pattern) override { add({"broadcast ", pattern}); }
    void handler_threw(std::string_view pattern, chain::Hook hook, std::string_view what) override {
        add({"threw ", pattern, " ", chain::to_string(hook), " ", what});
    }
    void over_limit(std::string_view limit) override { add({"over ", limit}); }
    void bad_frame(chain::error_code why) override {
        add({"bad frame ", std::to_string(why.value())});
    }
    void frames_dropped(std::size_t count, chain::error_code) override {
        add({"dropped ", std::to_string(count)});
    }
    void adapter_up(std::string_view pattern) override { add({"adapter up ", pattern}); }
    void adapter_down(std::string_view pattern, chain::error_code why,
                      std::string_view text) override {
        add({"adapter down ", pattern, " ", std::to_string(why.value()), " ", text});
    }
    void adapter_lost(std::string_view pattern, std::size_t count, chain::error_code) override {
        add({"adapter lost ", pattern, " ", std::to_string(count)});
    }

    std::size_t count(std::string_view line) const {
        return static_cast<std::size_t>(std::ranges::count(lines, line));
    }

    Frames lines;

  private:
    void add(std::initializer_list<std::string_view> parts) {
        auto& line = lines.emplace_back();
        for (const auto part : parts) line += part;
    }
};

/// A configuration whose observer says nothing.
inline chain::HandlerConfig quiet() {
    chain::HandlerConfig config;
    config.observer = std::make_shared<chain::Observer>();
    return config;
}

inline chain::Handler handler_with(std::initializer_list<chain::Channel> channels,
                                   chain::HandlerConfig config = quiet()) {
    chain::Handler handler{std::move(config)};
    for (const auto& channel : channels) handler.add(channel);
    return handler;
}

inline std::string frame(int join_ref, int ref, std::string_view topic, std::string_view event,
                         std::string_view payload = "{}") {
    std::string text = "[0," + std::to_string(join_ref) + "," + std::to_string(ref) + ",\"";
    return text.append(topic).append("\",\"").append(event).append("\",").append(payload) + "]";
}

/// Joins, and takes the reply, which must be ok and come first.
inline void join(chain::testing::Client& client, std::string_view topic, int ref = 1) {
    client.send(frame(ref, ref, topic, "_join"));
    const auto reply = client.receive();
    REQUIRE(reply);
    const auto number = std::to_string(ref);
    REQUIRE(reply->starts_with("[1," + number + "," + number + ",0,"));
}

/// What is sent to a client in consequence of its frame.
inline Frames answers(chain::testing::Client& client, std::string_view text) {
    client.send(text);
    return client.receive_all();
}

/// A channel whose members say something to all, or to the others, and hear an echo.
inline chain::Channel plain_room(std::string pattern = "room:*") {
    chain::Channel room{std::move(pattern)};
    room.on_join([](chain::Socket&) {});
    room.on("say",
            [](chain::Socket& socket, const chain::Payload& p) { socket.broadcast("said", p); });
    room.on("others", [](chain::Socket& socket, const chain::Payload& p) {
        socket.broadcast_from("said", p);
    });
    room.on("echo", [](chain::Socket&, const chain::Payload& p) { return chain::Reply::ok(p); });
    return room;
}

/// Where coroutines wait until the test lets them go on; a cancelled one throws.
class Gate {
  public:
    chain::net::awaitable<void> wait() {
        chain::net::steady_timer timer(co_await chain::net::this_coro::executor,
                                       std::chrono::steady_clock::time_point::max());
        const Waiting waiting(*this, timer);
        boost::system::error_code stopped;
        if (!open_) {
            co_await timer.async_wait(
                chain::net::redirect_error(chain::net::use_awaitable, stopped));
        }
        if (!open_) throw boost::system::system_error(stopped);
    }

    void open() {
        open_ = true;
        for (auto* timer : timers_) timer->cancel();
    }
    void close() { open_ = false; }
    std::size_t waiting() const { return timers_.size(); }

  private:
    struct Waiting {
        Waiting(Gate& gate, chain::net::steady_timer& timer) : gate_(gate), timer_(timer) {
            gate_.timers_.push_back(&timer_);
        }
        ~Waiting() { std::erase(gate_.timers_, &timer_); }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;

        Gate& gate_;
        chain::net::steady_timer& timer_;
    };

    bool open_ = false;
    std::vector<chain::net::steady_timer*> timers_;
};

} // namespace test
