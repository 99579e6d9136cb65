// RedisStreamReader: reads the streams in which this node has topics.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/detail/redis_reader.hpp>
#include <chain/detail/redis_streams.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>

namespace chain::detail {

/// Asks for what is new in the streams that hold wanted topics, again and again; after an outage it
/// goes on where it stopped, and finds out whether that is possible.
class RedisStreamReader final : public RedisReader {
  public:
    RedisStreamReader(RedisCore& core, const RandomId& epoch);

    void want(const std::string& topic) override;
    void drop(const std::string& topic) override;

  private:
    enum class Asked { id, newest, oldest_left, newest_left, news, sign_of_life };
    struct Question {
        Asked what;
        std::size_t shard = 0;
    };
    struct Shard {
        std::string key;
        std::size_t topics = 0; ///< Wanted ones, without prefixes.
        bool placed = false;    ///< Is it known from where to read?
        RedisStreamId last;     ///< Read up to here.
    };

    void on_up() override;
    void on_down() override;
    void on_reply(const redisReply& reply) override;
    void on_quiet() override;
    bool wanted(const Shard& shard) const noexcept {
        return shard.topics > 0 || !prefixes_.empty();
    }
    bool matches(std::string_view topic) const;
    void ask(Asked what, std::initializer_list<std::string_view> words, std::size_t shard = 0);
    void ask_next();
    bool ask_for_places();
    void ask_for_news();
    void hurry();
    void answered(const Question& question, const redisReply& reply);
    void place(std::size_t shard, const redisReply& reply);
    void check_oldest(const Shard& shard, const redisReply& reply);
    void check_newest(Shard& shard, const redisReply& reply);
    void take_stream(const redisReply& stream);
    void take_entry(std::size_t shard, const redisReply& fields);

    RandomId epoch_; ///< Of this node's own entries, of which none is missed.
    std::unordered_set<std::string, StringHash, std::equal_to<>> topics_;
    std::set<std::string> prefixes_;
    std::array<Shard, redis_shards> shards_;
    RedisSeen seen_;
    std::deque<Question> questions_; ///< Asked, not answered yet.
    std::string id_;                 ///< The server's name for this connection.
};

} // namespace chain::detail
