// What settings have to be.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace chain::detail {

/// @throws std::invalid_argument unless it is longer than nothing
inline void require_time(std::string_view name, std::chrono::milliseconds time) {
    if (time.count() > 0) return;
    throw std::invalid_argument("chain: " + std::string(name) + " is " +
                                std::to_string(time.count()) + " ms; it has to be more than 0");
}

} // namespace chain::detail
