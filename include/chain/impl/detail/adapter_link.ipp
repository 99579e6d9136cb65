// Definitions of <chain/detail/adapter_link.hpp>.
#pragma once

#include <chain/detail/adapter_link.hpp>

#include <utility>

namespace chain::detail {

void AdapterLink::tell(const std::string& topic, bool wanted) noexcept {
    try {
        wanted ? adapter_->subscribe(topic) : adapter_->unsubscribe(topic);
    } catch (...) {
        threw_(std::current_exception());
    }
}

void AdapterLink::changed(const std::string& topic) {
    std::unique_lock lock(mutex_);
    queue_.push_back(topic);
    if (std::exchange(working_, true)) return;
    while (!queue_.empty()) {
        const auto next = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        const bool wanted = wanted_(next);
        lock.lock();
        if (wanted == told_.contains(next)) continue;
        if (wanted)
            told_.insert(next);
        else
            told_.erase(next);
        lock.unlock();
        tell(next, wanted);
        lock.lock();
    }
    working_ = false;
}

} // namespace chain::detail
