// LaneService: the lanes that live in an execution context, for as long as it does.
#pragma once

#include <chain/detail/lane.hpp>

#include <boost/asio/execution_context.hpp>

#include <vector>

namespace chain::detail {

/// Ends its lanes when their context goes.
class LaneService : public net::execution_context::service {
  public:
    using key_type = LaneService;
    static inline net::execution_context::id id;

    explicit LaneService(net::execution_context& context) : service(context) {}

    /// The lane of a handler, or null.
    Lane* find(const HandlerCore& handler) const noexcept {
        for (const auto& lane : lanes_)
            if (&lane->handler() == &handler) return lane.get();
        return nullptr;
    }
    void add(Ref<Lane> lane) { lanes_.push_back(std::move(lane)); }
    void remove(Lane& lane) noexcept { std::erase(lanes_, &lane); }

  private:
    void shutdown() override {
        for (const auto& lane : std::exchange(lanes_, {})) lane->shutdown();
    }

    std::vector<Ref<Lane>> lanes_;
};

} // namespace chain::detail
