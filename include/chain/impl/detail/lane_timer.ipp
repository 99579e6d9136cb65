// Definitions of <chain/detail/lane_timer.hpp>.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/lane_timer.hpp>

namespace chain::detail {

LaneTimer::LaneTimer(Lane& lane) : lane_(lane), timer_(lane.bare_executor()) {}

void LaneTimer::set(std::optional<TimerWheel::Time> next) {
    if (!next || (next_ && *next_ <= *next)) return;
    next_ = next;
    timer_.expires_at(*next);
    timer_.async_wait([lane = Ref<Lane>(&lane_)](boost::system::error_code failed) {
        if (!failed) lane->timer_fired();
    });
}

} // namespace chain::detail
