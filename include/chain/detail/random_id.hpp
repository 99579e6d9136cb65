// Random identifiers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// 128 random bits.
using RandomId = std::array<std::uint8_t, 16>;

/// A new one from the system's cryptographic generator. @throws std::runtime_error when that has
/// failed.
RandomId make_random_id();
/// As lower-case hexadecimal digits, two for each byte.
std::string to_hex(std::span<const std::uint8_t> bytes);
/// From 32 hexadecimal digits.
std::optional<RandomId> random_id_from_hex(std::string_view text) noexcept;
/// Three of them, from 96 hexadecimal digits: what a client shows that has a session.
std::optional<std::array<RandomId, 3>> random_ids_from_hex(std::string_view text) noexcept;
/// Are they the same? Takes the same time whatever the answer. What a client shows to prove who it
/// is is compared in no other way.
bool same_secret(const RandomId& a, const RandomId& b) noexcept;

} // namespace chain::detail
