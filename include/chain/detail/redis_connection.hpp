// RedisConnection: a connection to Redis that is made again whenever it breaks.
#pragma once

#include <chain/adapters/redis.hpp>
#include <chain/detail/redis_wire.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace chain::detail {

class RedisCore;
class RedisSocket;

/// A connection that is found (by Sentinel, where there is one), made, authenticated, kept alive,
/// and made again when it breaks. Everything but the constructor is for the strand.
class RedisConnection {
  public:
    explicit RedisConnection(RedisCore& core) : core_(core) {}
    virtual ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    void start();
    void end(bool gone) noexcept;
    bool connected() const noexcept { return connected_; }

  protected:
    virtual void on_up() = 0;
    virtual void on_down() = 0;
    virtual void on_reply(const redisReply& reply) = 0;
    /// Nothing has come for a while: something must be asked.
    virtual void on_quiet() = 0;

    RedisCore& core() const noexcept { return core_; }
    const RedisConfig& config() const noexcept;
    /// Where bytes to send are collected; only while connected.
    std::string& outgoing() noexcept;
    void send(std::initializer_list<std::string_view> words);
    void flush();
    /// Ends this connection; another one will be made.
    void fail(Errc reason, std::string_view text);

  private:
    using Clock = std::chrono::steady_clock;
    struct Failure {
        error_code code;
        std::string text;
    };

    net::awaitable<void> run();
    net::awaitable<void> live();
    net::awaitable<RedisAddress> find_server();
    net::awaitable<std::optional<RedisAddress>> ask_sentinel(RedisAddress sentinel);
    net::awaitable<void> greet();
    net::awaitable<void> log_in(const std::string& user, const std::string& password);
    net::awaitable<RedisReply> answer();
    net::awaitable<void> fill();
    net::awaitable<void> pause();
    void open();
    void take();
    void ended(Failure why);
    void watch();
    void tick();

    RedisCore& core_;
    std::shared_ptr<RedisSocket> socket_;
    std::optional<RedisParser> parser_;
    std::unique_ptr<char[]> buffer_;
    std::optional<net::steady_timer> pause_;
    std::optional<net::steady_timer> watch_;
    std::minstd_rand random_{std::random_device{}()};
    Clock::time_point heard_{};
    std::optional<Failure> failure_; ///< Why this connection is to end.
    unsigned attempts_ = 0;
    bool connected_ = false;
    bool asked_ = false; ///< It was silent, and has been asked for a sign of life.
    bool ended_ = false;
};

} // namespace chain::detail
