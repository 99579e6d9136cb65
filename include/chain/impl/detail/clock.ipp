// Definitions of <chain/detail/clock.hpp>.
#pragma once

#include <chain/detail/clock.hpp>

namespace chain::detail {

class SteadyClock final : public Clock {
  public:
    Time now() const noexcept override { return std::chrono::steady_clock::now(); }
    WallTime wall() const noexcept override { return std::chrono::system_clock::now(); }
    bool runs() const noexcept override { return true; }
};

std::shared_ptr<const Clock> steady_clock() {
    static const auto clock = std::make_shared<const SteadyClock>();
    return clock;
}

} // namespace chain::detail
