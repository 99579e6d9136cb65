// Definitions of <chain/detail/framing.hpp>.
#pragma once

#include <chain/detail/framing.hpp>
#include <chain/detail/sse_format.hpp>
#include <chain/detail/ws_codec.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <limits>

namespace chain::detail {

void append_websocket(std::string& out, const FrameText& frame) {
    char header[ws_max_header];
    const auto opcode = frame.binary ? WsOpcode::binary : WsOpcode::text;
    const auto size = write_ws_header(header, opcode, frame.text.size());
    const unsigned flags = frame.deflated ? ws_compressed : 0;
    header[0] = static_cast<char>(static_cast<unsigned char>(header[0]) | flags);
    out.append(header, size).append(frame.text);
}

void append_frame(std::string& out, Framing framing, const FrameText& frame) {
    switch (framing) {
    case Framing::websocket:
    case Framing::websocket_deflate: append_websocket(out, frame); break;
    case Framing::sse: append_sse_data(out, frame.text); break;
    case Framing::lines: out.append(frame.text).append("\n");
    }
}

/// The payload of an unmasked, final WebSocket frame.
FrameText ws_unframed(std::string_view bytes) noexcept {
    const auto length = static_cast<unsigned char>(bytes[1]);
    const std::size_t header = length < 126 ? 2 : length == 126 ? 4 : 10;
    const auto first = static_cast<unsigned char>(bytes[0]);
    const bool binary = (first & 0x0FU) == static_cast<unsigned>(WsOpcode::binary);
    return {bytes.substr(header), binary, (first & ws_compressed) != 0};
}

FrameText sse_unframed(std::string_view bytes) noexcept {
    if (bytes.starts_with("id: ")) bytes.remove_prefix(bytes.find('\n') + 1);
    static constexpr std::string_view begin = "data: ";
    static constexpr std::string_view end = "\n\n";
    return {bytes.substr(begin.size(), bytes.size() - begin.size() - end.size())};
}

FrameText unframed(Framing framing, std::string_view bytes) noexcept {
    if (framing == Framing::sse) return sse_unframed(bytes);
    if (framing != Framing::lines) return ws_unframed(bytes);
    return {bytes.substr(0, bytes.size() - 1)};
}

FrameText inflated(const FrameText& frame, std::vector<char>& storage) {
    if (!frame.deflated) return frame;
    storage.clear();
    inflate_message(frame.text, std::numeric_limits<std::size_t>::max(), storage);
    return {{storage.data(), storage.size()}, frame.binary};
}

} // namespace chain::detail
