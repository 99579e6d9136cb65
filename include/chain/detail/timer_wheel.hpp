// TimerWheel: many coarse timers at little cost each.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

namespace chain::detail {

/// A place in a ring of timers.
struct TimerLink {
    TimerLink* next = nullptr;
    TimerLink* previous = nullptr;
};

/// A timer that lives inside the object it wakes. Disarmed when destroyed.
class TimerNode : private TimerLink {
  public:
    using Fire = void (*)(TimerNode&);

    explicit TimerNode(Fire fire) noexcept : fire_(fire) {}
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;
    ~TimerNode() { disarm(); }

    bool armed() const noexcept { return next != nullptr; }
    void disarm() noexcept;

  private:
    friend class TimerWheel;

    Fire fire_;
    std::uint32_t due_ = 0;
};

/// Timers of a lane, to 50 ms; none fires early. Has no clock of its own.
class TimerWheel {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds tick{50};

    /// Slots for many timers. For a few, one will do, and takes less memory.
    static constexpr std::size_t many = 512;

    explicit TimerWheel(Time start, std::size_t slots = many);
    ~TimerWheel();

    /// Disarms all timers.
    void clear() noexcept;
    /// No timer waits longer: a year is as good as for ever, and clocks count no more than 292.
    static constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);

    /// Arms (again) a timer to fire `after` from `now`.
    void arm(TimerNode& timer, Time now, std::chrono::milliseconds after) noexcept;
    /// Fires what is due at `now`. A timer that fires is disarmed first, and may arm itself again.
    void advance(Time now);
    /// When `advance` has something to do; nothing when no timer is armed.
    std::optional<Time> next() const noexcept;
    /// Ticks since the start, for cheap time stamps.
    std::uint32_t ticks(Time now) const noexcept;

  private:
    TimerLink& slot(std::uint32_t due) const noexcept { return heads_[due % slots_]; }
    static TimerNode& node(TimerLink& link) noexcept { return static_cast<TimerNode&>(link); }

    std::size_t slots_;
    std::unique_ptr<TimerLink[]> heads_;
    Time start_;
    std::uint32_t done_ = 0; ///< The last tick that was fired.
    /// No slot that is visited before this tick holds a timer.
    mutable std::uint32_t first_ = std::numeric_limits<std::uint32_t>::max();
};

} // namespace chain::detail
