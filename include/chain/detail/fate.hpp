// Fate: what may become of a frame that waits for a slow reader.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/message.hpp>
#include <chain/slow_policy.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace chain::detail {

/// Of a frame that need not arrive. Shared by all sessions that get the frame.
struct Fate {
    SlowPolicy::Kind kind; ///< Never `close`.
    std::string topic;
    std::string key; ///< When conflating.
};
using SharedFate = std::shared_ptr<const Fate>;

/// What the policies of a channel's events say of a message; null when it has to arrive.
SharedFate fate_of(const PatternMap<SlowPolicy>& policies, const Message& message);

/// What waits for slow readers.
struct Backlog {
    std::size_t bytes = 0;
    std::size_t frames = 0;
};

} // namespace chain::detail
