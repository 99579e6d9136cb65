// Definitions of <chain/adapters/loopback.hpp>.
#pragma once

#include <chain/adapters/loopback.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace chain {

struct LoopbackHub::State {
    std::mutex mutex;
    std::vector<std::shared_ptr<Node>> nodes;
};

class LoopbackHub::Node final : public Adapter, public std::enable_shared_from_this<Node> {
  public:
    explicit Node(std::shared_ptr<State> hub) : hub_(std::move(hub)) {}

    void start(Receive receive) override {
        receive_ = std::move(receive);
        const std::lock_guard lock(hub_->mutex);
        hub_->nodes.push_back(shared_from_this());
    }

    void subscribe(std::string_view topic) override {
        const std::lock_guard lock(hub_->mutex);
        topics_.emplace(topic);
    }

    void unsubscribe(std::string_view topic) override {
        const std::lock_guard lock(hub_->mutex);
        topics_.erase(std::string(topic));
    }

    error_code publish(std::string_view topic, std::string_view frame) override {
        for (const auto& node : others(topic)) node->deliver(topic, frame);
        return {};
    }

    void stop() override {
        {
            const std::lock_guard lock(hub_->mutex);
            std::erase(hub_->nodes, shared_from_this());
        }
        std::unique_lock lock(queue_mutex_);
        stopped_ = true;
        queue_.clear();
        const auto self = std::this_thread::get_id();
        idle_.wait(lock, [&] { return deliverer_ == std::thread::id() || deliverer_ == self; });
    }

  private:
    /// Under the hub's mutex.
    bool wants(std::string_view topic) const {
        return std::ranges::any_of(topics_, [&](const std::string& wanted) {
            return wanted.ends_with('*')
                       ? topic.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1))
                       : topic == wanted;
        });
    }

    std::vector<std::shared_ptr<Node>> others(std::string_view topic) const {
        std::vector<std::shared_ptr<Node>> found;
        const std::lock_guard lock(hub_->mutex);
        for (const auto& node : hub_->nodes)
            if (node.get() != this && node->wants(topic)) found.push_back(node);
        return found;
    }

    /// Delivers in order, one frame at a time, and without a lock: whoever finds nobody delivering
    /// does it for all.
    void deliver(std::string_view topic, std::string_view frame) {
        std::unique_lock lock(queue_mutex_);
        if (stopped_) return;
        queue_.emplace_back(topic, frame);
        if (deliverer_ != std::thread::id()) return;
        deliverer_ = std::this_thread::get_id();
        while (!queue_.empty()) {
            const auto next = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            receive_(next.first, next.second);
            lock.lock();
        }
        deliverer_ = {};
        idle_.notify_all();
    }

    std::shared_ptr<State> hub_;
    Receive receive_;
    std::set<std::string> topics_; ///< Guarded by the hub's mutex.
    std::mutex queue_mutex_;       ///< Guards the rest.
    std::condition_variable idle_;
    std::deque<std::pair<std::string, std::string>> queue_;
    std::thread::id deliverer_;
    bool stopped_ = false;
};

LoopbackHub::LoopbackHub() : state_(std::make_shared<State>()) {}
LoopbackHub::~LoopbackHub() = default;

std::shared_ptr<Adapter> LoopbackHub::adapter() { return std::make_shared<Node>(state_); }

} // namespace chain
