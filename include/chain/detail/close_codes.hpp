// Why the library closes connections: the codes, and the words for clients.
#pragma once

#include <chain/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// WebSocket close codes that the library uses by itself.
inline constexpr std::uint16_t close_gone = 1001;
inline constexpr std::uint16_t close_failed = 1011;
inline constexpr std::uint16_t close_restart = 1012;
inline constexpr std::uint16_t close_slow = 1013;
inline constexpr std::uint16_t close_replaced = 4001;
inline constexpr std::uint16_t close_expired = 4002;

/// Does a close with this code mean that one side broke the rules?
bool ends_session(std::uint16_t code) noexcept;

/// `{"reason": why}`, the payload of a refusal. `why` is the library's own, and needs no escapes.
std::string reason_object(std::string_view why);

/// What a client is told whose frame broke the rules.
struct BrokenRule {
    std::uint16_t code; ///< Of a WebSocket close.
    std::string_view why;
};
/// For what `SessionCore::receive` has returned; nothing when the frame is not to blame.
std::optional<BrokenRule> broken_rule(error_code failed) noexcept;

} // namespace chain::detail
