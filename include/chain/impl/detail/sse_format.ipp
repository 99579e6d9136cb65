// Definitions of <chain/detail/sse_format.hpp>.
#pragma once

#include <chain/detail/sse_format.hpp>

#include <charconv>
#include <iterator>
#include <limits>

namespace chain::detail {

void append_sse_data(std::string& out, std::string_view data) {
    out.append("data: ").append(data).append("\n\n");
}

void append_sse_id(std::string& out, std::string_view epoch, std::uint32_t number) {
    char digits[std::numeric_limits<std::uint32_t>::digits10 + 1];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out.append("id: ").append(epoch).append("-").append(digits, end).append("\n");
}

std::string retry_line(std::chrono::milliseconds after) {
    return "retry: " + std::to_string(after.count()) + "\n\n";
}

} // namespace chain::detail
