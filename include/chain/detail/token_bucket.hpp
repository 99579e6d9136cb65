// TokenBucket: keeps to a Rate.
#pragma once

#include <chain/detail/clock.hpp>
#include <chain/rate.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace chain::detail {

/// Keeps to a rate, which is the same at each call. Full at first.
class TokenBucket {
  public:
    /// Takes a token. @return zero, or how long it takes until there is one.
    std::chrono::milliseconds take(const Rate& rate, Clock::Time now) noexcept {
        used_ = used(rate, now);
        filled_ = now;
        if (used_ + 1 <= capacity(rate)) {
            ++used_;
            return {};
        }
        const auto missing = used_ + 1 - capacity(rate);
        return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(
            std::ceil(missing / rate.per_second * 1e3 - 1e-6)));
    }
    /// Is it as if it had never been used?
    bool full(const Rate& rate, Clock::Time now) const noexcept { return used(rate, now) == 0; }

  private:
    static double capacity(const Rate& rate) noexcept {
        return rate.burst >= 1 ? rate.burst : std::max(rate.per_second, 1.0);
    }
    double used(const Rate& rate, Clock::Time now) const noexcept {
        const std::chrono::duration<double> passed = now - filled_;
        return std::max(0.0, used_ - passed.count() * rate.per_second);
    }

    double used_ = 0;
    Clock::Time filled_{};
};

} // namespace chain::detail
