// Definitions of <chain/detail/drain_plan.hpp>.
#pragma once

#include <chain/detail/drain_plan.hpp>

#include <cstring>

namespace chain::detail {

std::chrono::milliseconds drain_window(const Drain& settings, std::size_t connections,
                                       std::chrono::milliseconds deadline) noexcept {
    auto window = std::min(settings.window, deadline / 2);
    if (settings.per_second > 0) {
        const auto needed =
            1000.0 * static_cast<double>(connections) / static_cast<double>(settings.per_second);
        if (needed < static_cast<double>(window.count()))
            window = std::chrono::milliseconds(static_cast<std::int64_t>(needed));
    }
    return window;
}

std::string retry_after(std::chrono::milliseconds delay) {
    return R"({"retry_after_ms":)" + std::to_string(delay.count()) + '}';
}

DrainPlan::DrainPlan(std::size_t count, std::int64_t steps, const RandomId& seed)
    : count_(count), steps_(std::max<std::int64_t>(steps, 1)) {
    std::uint32_t number = 0;
    std::memcpy(&number, seed.data(), sizeof number);
    random_.seed(number);
    offset_ = std::uniform_real_distribution<>(0, 1)(random_);
}

std::size_t DrainPlan::due(std::int64_t passed) const noexcept {
    if (ended(passed)) return count_;
    const auto part = static_cast<double>(passed + 1) / static_cast<double>(steps_);
    return static_cast<std::size_t>(static_cast<double>(count_) * part + offset_);
}

} // namespace chain::detail
