// permessage-deflate (RFC 7692), without context takeover in either direction, without any I/O.
#pragma once

#include <chain/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace chain::detail {

/// What the server answers to an offer that it accepts.
inline constexpr std::string_view deflate_answer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Does a Sec-WebSocket-Extensions field hold an offer that `deflate_answer` accepts? One that asks
/// for a smaller window of the server is not.
bool offers_deflate(std::string_view extensions) noexcept;

/// Compresses a lane's messages, one after another. Holds about 270 KB from the first one on.
class Deflater {
  public:
    explicit Deflater(const Compression& config) noexcept : config_(config) {}

    /// @return the payload of a compressed message, valid until the next call; nothing when the
    /// message is shorter than the threshold, or would not become smaller
    std::optional<std::string_view> compress(std::string_view message);

  private:
    struct Stream;
    struct Free {
        void operator()(Stream* stream) const noexcept;
    };

    Compression config_;
    std::unique_ptr<Stream, Free> stream_;
};

enum class Inflated : std::uint8_t { ok, too_big, corrupt };

/// Appends to `out` what a compressed message holds, at most `limit` bytes. Uses one state per
/// thread, which holds about 40 KB from the first message on.
Inflated inflate_message(std::string_view payload, std::size_t limit, std::vector<char>& out);

} // namespace chain::detail
