// Fate: what may become of a frame that waits for a slow reader.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/message.hpp>
#include <chain/slow_policy.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace chain::detail {

/// Of a frame that need not arrive. Shared by all sessions that get the frame.
struct Fate {
    SlowPolicy::Kind kind; ///< Never `close`.
    std::string topic;
    std::string key; ///< When conflating.
};
using SharedFate = std::shared_ptr<const Fate>;

/// Events that have to arrive whatever a channel's policies say: those of presences, for without
/// one of them a client's list would stay wrong. Thread-safe.
class LastingEvents {
  public:
    void add(const std::string& event);
    bool contains(std::string_view event) const;

  private:
    std::atomic<bool> any_{false}; ///< Is there one in `events_`?
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> events_; ///< Without the usual ones.
};

/// What the policies of a channel's events say of a message; null when it has to arrive.
SharedFate fate_of(const PatternMap<SlowPolicy>& policies, const LastingEvents& lasting,
                   const Message& message);

/// What waits for slow readers.
struct Backlog {
    std::size_t bytes = 0;
    std::size_t frames = 0;

    bool exceeds(const Backlog& most) const noexcept {
        return bytes > most.bytes || frames > most.frames;
    }
};

} // namespace chain::detail
