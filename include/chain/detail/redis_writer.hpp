// RedisWriter: the connection that a node publishes on.
#pragma once

#include <chain/detail/redis_connection.hpp>
#include <chain/detail/redis_streams.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>

namespace chain::detail {

/// Collects what is published in batches, one per turn of the strand, and counts what the server
/// has answered. In streams mode batches are kept until then, and sent again on a new connection.
class RedisWriter final : public RedisConnection {
  public:
    using Answered = std::function<void(const redisReply& reply)>;

    explicit RedisWriter(RedisCore& core);

    const RandomId& epoch() const noexcept { return epoch_; }
    /// Any thread.
    error_code publish(std::string_view topic, std::string_view frame);
    /// Takes nothing any more.
    void shut() noexcept;
    std::size_t backlog() const noexcept { return backlog_; }
    /// Sends something else, if there is a connection. On the strand.
    void command(std::initializer_list<std::string_view> words, Answered answered);

  private:
    struct Batch {
        std::string bytes;
        std::size_t size = 0; ///< Of the bytes, also when they are not kept.
        std::size_t commands = 0;
        std::size_t waiting = 0; ///< Commands that are not answered yet.
        Answered answered = {};  ///< Of what is no publication.
    };

    bool keeps() const noexcept;
    void on_up() override;
    void on_down() override;
    void on_reply(const redisReply& reply) override;
    void on_quiet() override;
    void append(std::string_view topic, std::string_view frame);
    void take_open();
    void send_batch(Batch& batch);
    void finish(Batch& batch);

    RandomId epoch_;
    std::string length_;                         ///< Of a stream, about.
    std::array<std::string, redis_shards> keys_; ///< Of the streams.
    std::mutex mutex_;                           ///< Guards the next eight.
    Batch open_;                                 ///< What was published since the last turn.
    std::string spare_;                          ///< Empty, with the room of an earlier batch.
    std::string channel_;                        ///< That was published to last.
    std::atomic<std::size_t> backlog_ = 0;
    bool scheduled_ = false;
    bool up_ = false;
    bool closed_ = false; ///< The adapter or its context has ended.
    std::array<std::uint64_t, redis_shards> numbers_{};
    std::deque<Batch> sent_; ///< In order, not wholly answered yet.
};

} // namespace chain::detail
