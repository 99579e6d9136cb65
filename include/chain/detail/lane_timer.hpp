// LaneTimer: wakes a lane when its next timer is due.
#pragma once

#include <chain/detail/timer_wheel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <optional>

namespace chain::detail {

class Lane;

class LaneTimer {
  public:
    explicit LaneTimer(Lane& lane);

    /// Wakes the lane at this time, or never.
    void set(std::optional<TimerWheel::Time> next);
    /// It has woken the lane.
    void fired() noexcept { next_.reset(); }

  private:
    Lane& lane_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock> timer_;
    std::optional<TimerWheel::Time> next_;
};

} // namespace chain::detail
