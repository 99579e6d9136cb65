// How frames are told apart in the bytes of a connection.
#pragma once

#include <chain/connection.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// A frame without what tells it apart from others.
struct FrameText {
    std::string_view text;
    bool binary = false;
    bool deflated = false; ///< Is `text` compressed (RFC 7692)? Of WebSocket messages only.
};

/// Appends a frame as `framing` wants it, without an id.
void append_frame(std::string& out, Framing framing, const FrameText& frame);
/// The frame in whole framed bytes, which may begin with an event's id.
FrameText unframed(Framing framing, std::string_view bytes) noexcept;

/// The frame without compression; `storage` holds its text then.
FrameText inflated(const FrameText& frame, std::vector<char>& storage);

} // namespace chain::detail
