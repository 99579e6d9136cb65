// Definitions of <chain/detail/sse_format.hpp>.
#pragma once

#include <chain/detail/sse_format.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace chain::detail {

void append_sse_data(std::string& out, std::string_view data) {
    out.append("data: ").append(data).append("\n\n");
}

SseId::SseId(std::string_view epoch, std::uint32_t number) noexcept : number_(number) {
    static constexpr std::string_view name = "id: ";
    digits_ = std::copy_n(epoch.begin(), epoch.size(), std::ranges::copy(name, line_).out);
    *digits_++ = '-';
}

std::string_view SseId::next_line() noexcept {
    auto* end = std::to_chars(digits_, std::end(line_), number_++).ptr;
    *end++ = '\n';
    return {line_, end};
}

std::string retry_line(std::chrono::milliseconds after) {
    return "retry: " + std::to_string(after.count()) + "\n\n";
}

} // namespace chain::detail
