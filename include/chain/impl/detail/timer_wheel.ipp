// Definitions of <chain/detail/timer_wheel.hpp>.
#pragma once

#include <chain/detail/timer_wheel.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

void TimerNode::disarm() noexcept {
    if (!armed()) return;
    next->previous = previous;
    previous->next = next;
    next = previous = nullptr;
}

TimerWheel::TimerWheel(Time start, std::size_t slots)
    : slots_(slots), heads_(std::make_unique<TimerLink[]>(slots)), start_(start) {
    for (std::size_t i = 0; i < slots_; ++i) heads_[i].next = heads_[i].previous = &heads_[i];
}

TimerWheel::~TimerWheel() { clear(); }

void TimerWheel::clear() noexcept {
    for (std::size_t i = 0; i < slots_; ++i)
        while (heads_[i].next != &heads_[i]) node(*heads_[i].next).disarm();
}

std::uint32_t TimerWheel::ticks(Time now) const noexcept {
    return static_cast<std::uint32_t>(std::max<std::int64_t>(0, (now - start_) / tick));
}

void TimerWheel::arm(TimerNode& timer, Time now, std::chrono::milliseconds after) noexcept {
    timer.disarm();
    after = std::clamp(after, std::chrono::milliseconds(0), longest);
    const auto whole = ticks(now + after + tick - std::chrono::nanoseconds(1));
    timer.due_ = std::max(whole, done_ + 1);
    const auto slots = static_cast<std::uint32_t>(slots_);
    first_ = std::min(first_, done_ + 1 + (timer.due_ - done_ - 1) % slots);
    auto& head = slot(timer.due_);
    timer.previous = head.previous;
    timer.next = &head;
    head.previous->next = &timer;
    head.previous = &timer;
}

void TimerWheel::advance(Time now) {
    const auto target = ticks(now);
    if (target <= done_) return;
    const auto turns = std::min(target - done_, static_cast<std::uint32_t>(slots_));
    auto at = target - turns;
    for (done_ = target; at != target;) {
        auto& head = slot(++at);
        for (auto* link = head.next; link != &head;) {
            auto& due = node(*link);
            link = link->next;
            if (due.due_ > target) continue;
            due.disarm();
            due.fire_(due);
            link = head.next; // the call may have changed the slot
        }
    }
}

/// With several slots, a timer may be due in a later round only: then it wakes the lane for
/// nothing.
std::optional<TimerWheel::Time> TimerWheel::next() const noexcept {
    if (slots_ == 1) {
        auto& head = heads_[0];
        if (head.next == &head) return std::nullopt;
        auto earliest = node(*head.next).due_;
        for (auto* link = head.next; link != &head; link = link->next)
            earliest = std::min(earliest, node(*link).due_);
        return start_ + tick * earliest;
    }
    const auto end = done_ + 1 + static_cast<std::uint32_t>(slots_);
    for (first_ = std::max(first_, done_ + 1); first_ < end; ++first_) {
        const auto& head = slot(first_);
        if (head.next != &head) return start_ + tick * first_;
    }
    return std::nullopt;
}

} // namespace chain::detail
