// Clock: where lanes take the time from, so that tests can move it.
#pragma once

#include <chrono>
#include <memory>

namespace chain::detail {

using WallTime = std::chrono::system_clock::time_point;

/// Steady time. Thread-safe.
class Clock {
  public:
    using Time = std::chrono::steady_clock::time_point;

    virtual ~Clock() = default;
    virtual Time now() const noexcept = 0;
    /// Wall time, which may be set anew at any moment.
    virtual WallTime wall() const noexcept = 0;
    /// False when time moves only by hand: then lanes set no timers, and whoever moves it advances
    /// them.
    virtual bool runs() const noexcept = 0;
};

/// The system's steady clock.
std::shared_ptr<const Clock> steady_clock();

} // namespace chain::detail
