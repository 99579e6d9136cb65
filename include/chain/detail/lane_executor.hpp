// LaneExecutor: an executor whose work counts as a lane's own.
#pragma once

#include <chain/detail/lane.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>

#include <utility>

namespace chain::detail {

/// Runs on a private lane's executor what is given to it, inside a `Scope` of the lane: whichever
/// thread that is then is the lane's. For the application's coroutines.
class LaneExecutor {
  public:
    LaneExecutor(Ref<Lane> lane, net::any_io_executor inner)
        : lane_(std::move(lane)), inner_(std::move(inner)) {}
    // Asio wants it noexcept, which Boost's pointer is without saying so.
    LaneExecutor(const LaneExecutor& other) noexcept : lane_(other.lane_), inner_(other.inner_) {}
    LaneExecutor& operator=(const LaneExecutor&) = default;

    template <class Property>
    requires net::can_query_v<const net::any_io_executor&, Property>
    auto query(const Property& property) const
        -> decltype(net::query(std::declval<const net::any_io_executor&>(), property)) {
        return net::query(inner_, property);
    }
    template <class Property>
    requires net::can_require_v<const net::any_io_executor&, Property>
        LaneExecutor require(const Property& property)
    const { return {lane_, net::require(inner_, property)}; }
    template <class Property>
    requires net::can_prefer_v<const net::any_io_executor&, Property>
        LaneExecutor prefer(const Property& property)
    const { return {lane_, net::prefer(inner_, property)}; }
    template <class F>
    void execute(F&& f) const {
        inner_.execute(Work<std::decay_t<F>>{lane_, std::forward<F>(f)});
    }
    friend bool operator==(const LaneExecutor& a, const LaneExecutor& b) noexcept {
        return a.lane_ == b.lane_ && a.inner_ == b.inner_;
    }
    friend bool operator!=(const LaneExecutor& a, const LaneExecutor& b) noexcept {
        return !(a == b);
    }

  private:
    template <class F>
    struct Work {
        void operator()() {
            const Lane::Scope scope(*lane);
            std::move(f)();
        }
        Ref<Lane> lane;
        F f;
    };

    Ref<Lane> lane_;
    net::any_io_executor inner_;
};

} // namespace chain::detail
