// SessionRates: how often a session has joined and sent events lately.
#pragma once

#include <chain/detail/token_bucket.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace chain::detail {

/// Of one session whose joins or events are limited.
class SessionRates {
  public:
    /// @return zero, or how long to wait
    std::chrono::milliseconds join(const Rate& rate, Clock::Time now) noexcept {
        return joins_.take(rate, now);
    }
    /// @param rate  of all events
    /// @param own   of this one, always the same object, or null
    std::chrono::milliseconds event(const Rate& rate, const Rate* own, Clock::Time now) {
        const auto wait = rate.limits() ? events_.take(rate, now) : std::chrono::milliseconds{};
        if (wait.count() > 0 || !own || !own->limits()) return wait;
        auto found = std::ranges::find(own_, own, &Own::first);
        if (found == own_.end()) found = own_.insert(found, {own, {}});
        return found->second.take(*own, now);
    }

  private:
    using Own = std::pair<const Rate*, TokenBucket>;

    TokenBucket joins_;
    TokenBucket events_;
    std::vector<Own> own_; ///< As many as the channels have rates, at most.
};

} // namespace chain::detail
