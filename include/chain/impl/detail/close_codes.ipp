// Definitions of <chain/detail/close_codes.hpp>.
#pragma once

#include <chain/detail/close_codes.hpp>

namespace chain::detail {

bool ends_session(std::uint16_t code) noexcept {
    return code == 1002 || code == 1003 || (code >= 1007 && code <= 1009);
}

std::optional<BrokenRule> broken_rule(error_code failed) noexcept {
    if (failed == Errc::binary_frame) return BrokenRule{1003, "this dialect has text frames only"};
    if (failed == Errc::not_json) return BrokenRule{1007, "not JSON"};
    if (failed == Errc::malformed_frame) return BrokenRule{1008, "not a frame of the protocol"};
    return std::nullopt;
}

std::string reason_object(std::string_view why) {
    return R"({"reason":")" + std::string(why) + "\"}";
}

} // namespace chain::detail
