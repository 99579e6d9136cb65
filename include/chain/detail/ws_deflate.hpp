// permessage-deflate (RFC 7692), without context takeover in either direction, without any I/O.
#pragma once

#include <chain/config.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace chain::detail {

/// What the server answers to the first acceptable offer in a Sec-WebSocket-Extensions field, or
/// nothing. An offer that asks for a smaller window of the server is not accepted.
std::optional<std::string_view> answer_deflate(std::string_view extensions) noexcept;

/// Compresses a message. Uses one state per thread, which holds about 270 KB from the first one on.
/// @return the payload of the compressed message, valid until the thread's next call; nothing when
/// the message is shorter than the threshold, or would not become smaller
std::optional<std::string_view> deflate_message(std::string_view message,
                                                const Compression& config);

enum class Inflated : std::uint8_t { ok, too_big, corrupt };

/// Appends to `out` what a compressed message holds, at most `limit` bytes. Uses one state per
/// thread, which holds about 40 KB from the first message on.
Inflated inflate_message(std::string_view payload, std::size_t limit, std::vector<char>& out);

} // namespace chain::detail
