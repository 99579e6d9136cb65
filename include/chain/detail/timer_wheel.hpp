// TimerWheel: many coarse timers at little cost each.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace chain::detail {

/// A timer that lives inside the object it wakes. Disarmed when destroyed.
class TimerNode {
  public:
    using Fire = void (*)(TimerNode&);

    explicit TimerNode(Fire fire) noexcept : fire_(fire) {}
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;
    ~TimerNode() { disarm(); }

    bool armed() const noexcept { return next_ != nullptr; }
    void disarm() noexcept;

  private:
    friend class TimerWheel;

    TimerNode* next_ = nullptr;
    TimerNode* previous_ = nullptr;
    Fire fire_;
    std::uint32_t due_ = 0;
};

/// Timers of a lane, in slots of 50 ms; none fires early. Has no clock of its own.
class TimerWheel {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds tick{50};

    explicit TimerWheel(Time start) noexcept;
    ~TimerWheel();

    /// Arms (again) a timer to fire `after` from `now`.
    void arm(TimerNode& timer, Time now, std::chrono::milliseconds after) noexcept;
    /// Fires what is due at `now`. A timer that fires is disarmed first, and may arm itself again.
    void advance(Time now);
    /// When `advance` has something to do; nothing when no timer is armed.
    std::optional<Time> next() const noexcept;
    /// Ticks since the start, for cheap time stamps.
    std::uint32_t ticks(Time now) const noexcept;

  private:
    static constexpr std::size_t slots = 512;

    TimerNode& slot(std::uint32_t due) noexcept { return heads_[due % slots]; }

    std::array<TimerNode, slots> heads_;
    Time start_;
    std::uint32_t done_ = 0; ///< The last tick that was fired.
};

} // namespace chain::detail
