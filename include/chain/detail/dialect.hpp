// Which dialect a client speaks.
#pragma once

#include <chain/connection.hpp>
#include <chain/request.hpp>
#include <chain/serializer.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <string_view>

namespace chain::detail {

/// Is it the topic of the chain protocol itself? Its messages are not numbered.
inline bool is_protocol_topic(std::string_view topic) noexcept {
    return topic.starts_with('_') && topic == "_chain"; // the first character decides mostly
}

/// Does the client name a version of Phoenix's protocol?
bool has_vsn(const Request& request) noexcept;
/// The Phoenix dialect of the version that the client names, or null when there is none: a full
/// semantic version is needed, 1.0.x or 2.0.x.
const Serializer* dialect_of_vsn(const Request& request) noexcept;
/// Is it one of Phoenix's?
bool is_phoenix(const Serializer& serializer) noexcept;
/// The same dialect for connections of this framing, of which only WebSocket's has binary frames.
const Serializer& fit(const Serializer& serializer, Framing framing) noexcept;

/// The dialects that a handler's sessions use, of which there are few. Thread-safe.
class DialectsInUse {
  public:
    static constexpr std::size_t capacity = 4;
    using Some = std::array<const Serializer*, capacity>;

    /// Adds one, unless there are `capacity` already.
    void add(const Serializer& serializer);
    /// Those there are, copied into `into`.
    std::span<const Serializer* const> list(Some& into) const noexcept;

  private:
    std::array<std::atomic<const Serializer*>, capacity> dialects_{};
};

} // namespace chain::detail
