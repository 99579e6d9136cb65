// VirtualClock: time that tests move by hand.
#pragma once

#include <chain/detail/clock.hpp>

#include <atomic>
#include <chrono>

namespace chain::testing {

/// Steady time that stands still until `advance`.
class VirtualClock final : public detail::Clock {
  public:
    /// What it shows.
    Time now() const noexcept override { return Time(std::chrono::milliseconds(now_.load())); }
    /// As much after the beginning of 2026.
    detail::WallTime wall() const noexcept override {
        return detail::WallTime(std::chrono::seconds(1'767'225'600)) +
               std::chrono::milliseconds(now_.load());
    }
    /// False: nothing may wait for it.
    bool runs() const noexcept override { return false; }
    /// Moves it on.
    void advance(std::chrono::milliseconds by) noexcept { now_ += by.count(); }

  private:
    std::atomic<std::chrono::milliseconds::rep> now_{0};
};

} // namespace chain::testing
