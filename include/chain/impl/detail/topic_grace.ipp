// Definitions of <chain/detail/topic_grace.hpp>.
#pragma once

#include <chain/detail/topic_grace.hpp>

#include <utility>

namespace chain::detail {

TopicGrace::TopicGrace(const boost::asio::any_io_executor& executor,
                       std::chrono::milliseconds grace, Ended ended)
    : grace_(grace), ended_(std::move(ended)), timer_(executor) {}

bool TopicGrace::begin(const std::string& topic) { return leaving_.erase(topic) == 0; }

void TopicGrace::end(const std::string& topic) {
    leaving_[topic] = ++count_;
    queue_.push_back({Clock::now() + grace_, topic, count_});
    if (queue_.size() == 1) wait();
}

void TopicGrace::stop() {
    queue_.clear();
    leaving_.clear();
    timer_.cancel();
}

void TopicGrace::wait() {
    timer_.expires_at(queue_.front().due);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code failed) {
        const auto self = weak.lock();
        if (self && !failed) self->end_due();
    });
}

void TopicGrace::end_due() {
    const auto now = Clock::now();
    while (!queue_.empty() && queue_.front().due <= now) {
        const auto next = std::move(queue_.front());
        queue_.pop_front();
        const auto found = leaving_.find(next.topic);
        if (found == leaving_.end() || found->second != next.number) continue;
        leaving_.erase(found);
        ended_(next.topic);
    }
    if (!queue_.empty()) wait();
}

} // namespace chain::detail
