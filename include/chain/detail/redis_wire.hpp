// Redis' wire protocol, as hiredis writes and reads it.
#pragma once

#include <chain/error.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

struct redisReader;
struct redisReply;

namespace chain::detail {

/// What Redis answers instead of what was asked for.
struct RedisRefusal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Appends a command.
void append_redis_command(std::string& out, std::span<const std::string_view> words);

struct RedisReplyDeleter {
    void operator()(redisReply* reply) const noexcept;
};
using RedisReply = std::unique_ptr<redisReply, RedisReplyDeleter>;

/// The text of a string, status or error; empty for others.
std::string_view text_of(const redisReply& reply) noexcept;
/// The elements of an array; none for others.
std::span<redisReply* const> items_of(const redisReply& reply) noexcept;
bool is_error(const redisReply& reply) noexcept;

/// Takes replies out of bytes.
class RedisParser {
  public:
    RedisParser();

    /// @throws RedisRefusal when too much is waiting for its end
    void feed(std::string_view bytes);
    /// The next whole reply, or null. @throws RedisRefusal when the bytes are not Redis' protocol
    RedisReply next();

  private:
    struct Deleter {
        void operator()(redisReader* reader) const noexcept;
    };

    std::unique_ptr<redisReader, Deleter> reader_;
};

} // namespace chain::detail
