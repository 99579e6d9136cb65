// Definitions of <chain/detail/timer_wheel.hpp>.
#pragma once

#include <chain/detail/timer_wheel.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

template <std::size_t... I>
std::array<TimerNode, sizeof...(I)> make_heads(std::index_sequence<I...>) noexcept {
    return {((void)I, TimerNode(nullptr))...};
}

void TimerNode::disarm() noexcept {
    if (!armed()) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
}

TimerWheel::TimerWheel(Time start) noexcept
    : heads_(make_heads(std::make_index_sequence<slots>())), start_(start) {
    for (auto& head : heads_) head.next_ = head.previous_ = &head;
}

TimerWheel::~TimerWheel() {
    for (auto& head : heads_) {
        while (head.next_ != &head) head.next_->disarm();
        head.next_ = head.previous_ = nullptr;
    }
}

std::uint32_t TimerWheel::ticks(Time now) const noexcept {
    return static_cast<std::uint32_t>(std::max<std::int64_t>(0, (now - start_) / tick));
}

void TimerWheel::arm(TimerNode& timer, Time now, std::chrono::milliseconds after) noexcept {
    timer.disarm();
    const auto whole = ticks(now + after + tick - std::chrono::nanoseconds(1));
    timer.due_ = std::max(whole, done_ + 1);
    auto& head = slot(timer.due_);
    timer.previous_ = head.previous_;
    timer.next_ = &head;
    head.previous_->next_ = &timer;
    head.previous_ = &timer;
}

void TimerWheel::advance(Time now) {
    const auto target = ticks(now);
    const auto turns = std::min<std::uint32_t>(target - std::min(done_, target), slots);
    auto at = target - turns;
    for (done_ = target; at != target;) {
        auto& head = slot(++at);
        for (auto* timer = head.next_; timer != &head;) {
            auto& due = *timer;
            timer = timer->next_;
            if (due.due_ > target) continue;
            due.disarm();
            due.fire_(due);
            timer = head.next_; // the call may have changed the slot
        }
    }
}

std::optional<TimerWheel::Time> TimerWheel::next() const noexcept {
    for (std::uint32_t i = 1; i <= slots; ++i) {
        const auto& head = heads_[(done_ + i) % slots];
        if (head.next_ != &head) return start_ + tick * (done_ + i);
    }
    return std::nullopt;
}

} // namespace chain::detail
