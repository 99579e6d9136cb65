// Definitions of <chain/detail/call_gate.hpp>.
#pragma once

#include <chain/detail/call_gate.hpp>

#include <algorithm>

namespace chain::detail {

bool CallGate::enter() {
    const std::lock_guard lock(mutex_);
    if (!closed_) inside_.push_back(std::this_thread::get_id());
    return !closed_;
}

void CallGate::leave() {
    {
        const std::lock_guard lock(mutex_);
        inside_.erase(std::ranges::find(inside_, std::this_thread::get_id()));
    }
    left_.notify_all();
}

void CallGate::close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    const auto self = std::this_thread::get_id();
    left_.wait(lock, [&] {
        return std::ranges::all_of(inside_, [&](std::thread::id id) { return id == self; });
    });
}

} // namespace chain::detail
