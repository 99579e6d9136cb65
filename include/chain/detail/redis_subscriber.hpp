// RedisSubscriber: reads Redis' pub/sub.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/detail/redis_reader.hpp>

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

namespace chain::detail {

/// Subscribes to the channels of wanted topics. A message that comes by its channel and by patterns
/// is handed over once: Redis confirms each change between the messages before and after it, so
/// what has been confirmed says by how many ways a message comes.
class RedisSubscriber final : public RedisReader {
  public:
    using RedisReader::RedisReader;

    void want(const std::string& topic) override;
    void drop(const std::string& topic) override;

  private:
    using Names = std::unordered_set<std::string, StringHash, std::equal_to<>>;

    void on_up() override;
    void on_down() override;
    void on_reply(const redisReply& reply) override;
    void on_quiet() override;
    void tell(std::string_view command, std::string_view pattern_command, const std::string& topic);
    void confirmed(std::string_view kind, std::string_view name);
    void came_by_channel(std::string_view channel, std::string_view frame);
    void came_by_pattern(std::string_view pattern, std::string_view channel,
                         std::string_view frame);

    std::set<std::string> wanted_;
    Names channels_; ///< Confirmed.
    /// Confirmed patterns as Redis knows them, and what names begin with to match them.
    std::map<std::string, std::string, std::less<>> patterns_;
};

} // namespace chain::detail
