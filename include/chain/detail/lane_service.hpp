// LaneService: the lanes that live in an execution context, for as long as it does.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/visitors.hpp>

#include <boost/asio/execution_context.hpp>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace chain::detail {

/// Ends its lanes when their context goes. Thread-safe, as a context may have many threads, and a
/// lane on each of its strands.
class LaneService : public net::execution_context::service {
  public:
    using key_type = LaneService;
    static inline net::execution_context::id id;

    explicit LaneService(net::execution_context& context)
        : service(context), visitors_(std::make_shared<Visitors>()) {}

    void add(const Ref<Lane>& lane) {
        const std::lock_guard lock(mutex_);
        lane->place_in_service() = lanes_.size();
        lanes_.push_back(lane);
    }
    void remove(Lane& lane) noexcept {
        const std::lock_guard lock(mutex_);
        const auto place = lane.place_in_service();
        if (place >= lanes_.size() || lanes_[place].get() != &lane) return;
        lanes_.back()->place_in_service() = place;
        std::swap(lanes_[place], lanes_.back());
        lanes_.pop_back();
    }
    /// Those from this context; they may be asked when it is gone.
    const std::shared_ptr<Visitors>& visitors() const noexcept { return visitors_; }

  private:
    void shutdown() override {
        visitors_->end();
        std::vector<Ref<Lane>> lanes;
        {
            const std::lock_guard lock(mutex_);
            lanes.swap(lanes_);
        }
        for (const auto& lane : lanes) lane->shutdown();
    }

    std::mutex mutex_;
    std::vector<Ref<Lane>> lanes_;
    std::shared_ptr<Visitors> visitors_;
};

} // namespace chain::detail
