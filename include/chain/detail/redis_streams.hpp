// How publications lie in Redis streams.
#pragma once

#include <chain/detail/random_id.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace chain::detail {

/// Into how many streams the topics are divided.
inline constexpr std::size_t redis_shards = 64;

/// The stream of a topic: CRC-32 of its name, modulo the number of streams.
std::size_t redis_shard(std::string_view topic) noexcept;
/// The key of a stream.
std::string redis_stream_key(std::string_view prefix, std::size_t shard);

/// The id of a stream's entry, `milliseconds-number`.
struct RedisStreamId {
    std::uint64_t time = 0;
    std::uint64_t number = 0;

    auto operator<=>(const RedisStreamId&) const = default;
};
std::optional<RedisStreamId> read_stream_id(std::string_view text) noexcept;
std::string write_stream_id(const RedisStreamId& id);

/// Who appended an entry, and its number among that writer's entries in the stream, from 1.
struct RedisStamp {
    RandomId epoch{};
    std::uint64_t number = 0;
};
/// As an entry has it.
using RedisStampBytes = std::array<char, std::tuple_size_v<RandomId> + 8>;
RedisStampBytes write_stamp(const RedisStamp& stamp) noexcept;
std::optional<RedisStamp> read_stamp(std::string_view bytes) noexcept;

/// What has been seen of each writer: finds entries that were appended twice, and entries that are
/// missing.
class RedisSeen {
  public:
    struct Verdict {
        bool again = false;        ///< It was seen before.
        std::uint64_t missing = 0; ///< So many entries before it were not.
    };

    Verdict look(std::size_t shard, const RedisStamp& stamp);
    /// What comes next from this stream is taken as it is.
    void forget(std::size_t shard) noexcept;
    std::size_t writers() const noexcept { return writers_.size(); }

    /// Writers that are remembered; beyond it, the one that was silent for longest is forgotten.
    static constexpr std::size_t max_writers = 4096;

  private:
    struct Writer {
        std::array<std::uint64_t, redis_shards> last{};
        std::uint64_t heard = 0;
    };

    Writer& writer(const RandomId& epoch);

    std::map<RandomId, Writer> writers_;
    std::uint64_t count_ = 0;
};

} // namespace chain::detail
