// A server in the test's own process, and an observer that a test can wait with.
#pragma once

#include "raw_client.hpp"

#include <chain/chain.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/server.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// Something that one thread announces and another waits for.
class Signal {
  public:
    /// Changes what is waited for, and tells those who wait.
    template <class Change>
    void change(Change what) {
        const std::lock_guard lock(mutex_);
        what();
        changed_.notify_all(); // under the lock: who waits may destroy this as soon as it is free
    }
    void notify() {
        change([] {});
    }
    /// Waits until `condition` holds, which is looked at after each change.
    /// @return false when it does not come about in time
    template <class Condition>
    bool wait(Condition condition) {
        return wait_for(patience, condition);
    }
    template <class Condition>
    bool wait_for(std::chrono::milliseconds time, Condition condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, time, condition);
    }

    /// A copy of something that is changed by `change`.
    template <class T>
    T copy(const T& what) const {
        const std::lock_guard lock(mutex_);
        return what;
    }

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
};

/// Counts what a handler tells, and keeps what it says. Thread-safe.
class Watch final : public chain::Observer {
  public:
    using Count = std::atomic<std::size_t>;

    Signal signal;
    Count opened = 0, closed = 0, refused = 0, joined_count = 0, left_count = 0, dropped = 0,
          bad_frames = 0;
    std::function<void()> when_opened; ///< Called on the session's lane.

    std::vector<std::string> thrown() const { return signal.copy(thrown_); }
    std::vector<std::string> logged() const { return signal.copy(logged_); }
    /// The limits that clients met.
    std::vector<std::string> limits() const { return signal.copy(limits_); }

    void session_opened() override {
        signal.change([this] { ++opened; });
        if (when_opened) when_opened();
    }
    void session_closed() override {
        signal.change([this] { ++closed; });
    }
    void session_refused(chain::error_code) override {
        signal.change([this] { ++refused; });
    }
    void joined(std::string_view) override {
        signal.change([this] { ++joined_count; });
    }
    void left(std::string_view, chain::LeaveReason) override {
        signal.change([this] { ++left_count; });
    }
    void frames_dropped(std::size_t count, chain::error_code) override {
        signal.change([this, count] { dropped += count; });
    }
    void handler_threw(std::string_view, chain::Hook, std::string_view what) override {
        signal.change([this, what] { thrown_.emplace_back(what); });
    }
    void over_limit(std::string_view limit) override {
        signal.change([this, limit] { limits_.emplace_back(limit); });
    }
    void bad_frame(chain::error_code) override {
        signal.change([this] { ++bad_frames; });
    }
    void log(chain::LogLevel, std::string_view text) override {
        signal.change([this, text] { logged_.emplace_back(text); });
    }

  private:
    std::vector<std::string> thrown_;
    std::vector<std::string> logged_;
    std::vector<std::string> limits_;
};

/// A running server with one handler, at a port of its own.
class TestServer {
  public:
    explicit TestServer(chain::Channel channel, chain::HandlerConfig config = {},
                        chain::ServerConfig server = {.port = 0, .threads = 1})
        : watch(std::make_shared<Watch>()), handler(watched(std::move(config))),
          server_(std::in_place, std::move(server)) {
        handler.add(std::move(channel));
    }
    /// Opens the port and serves, after the set-up.
    TestServer& start() {
        server_->mount(handler);
        server_->listen().start();
        return *this;
    }
    std::uint16_t port() const { return server_->port(); }
    /// Of the first thread, for adapters.
    chain::net::any_io_executor executor() const { return server_->executor(); }
    void stop() { server_->stop(); }
    void reload_tls() { server_->reload_tls(); }
    void destroy() { server_.reset(); }
    /// A WebSocket client that has joined `topic` with join reference 1.
    RawClient member(const std::string& topic) const {
        auto client = open_socket(port());
        client.send_text(R"([0,1,1,")" + topic + R"(","_join",{}])");
        const auto reply = client.receive();
        if (!reply.starts_with("[1,1,1,0,")) throw std::runtime_error("not joined: " + reply);
        return client;
    }
    /// Bytes that wait for slow readers, as the handler accounts for them.
    std::size_t unsent() const { return chain::detail::HandlerAccess::core(handler)->unsent(); }

    std::shared_ptr<Watch> watch;
    chain::Handler handler;

  private:
    chain::HandlerConfig watched(chain::HandlerConfig config) const {
        config.observer = watch;
        return config;
    }

    std::optional<chain::Server> server_;
};

/// A channel for most tests: `room:*`, where `say` is broadcast, `echo` answered, `throw` throws.
inline chain::Channel room_channel() {
    using chain::Json, chain::Payload, chain::Reply, chain::Socket;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json& params) -> Reply {
        if (params.is_object() && params.contains("refuse")) return Reply::error("no");
        return Reply::ok();
    });
    room.on("say", [](Socket& socket, const Payload& text) { socket.broadcast("say", text); });
    room.on("echo", [](Socket&, const Payload& text) { return Reply::ok(text); });
    room.on("throw", [](Socket&, const Json&) { throw std::runtime_error("on purpose"); });
    return room;
}

} // namespace test
