// Definitions of <chain/detail/slice.hpp>.
#pragma once

#include <chain/detail/slice.hpp>
#include <chain/detail/sse_format.hpp>
#include <chain/detail/ws_codec.hpp>

namespace chain::detail {

void Slice::append(Framing framing, std::string_view text, bool binary, std::uint64_t order,
                   bool numbered) {
    switch (framing) {
    case Framing::websocket:
    case Framing::websocket_deflate: append_websocket(0, text, binary, order, numbered); break;
    case Framing::sse:
        append_sse_data(bytes_, text);
        append_framed({}, order, numbered);
        break;
    case Framing::lines: bytes_.append(text); append_framed("\n", order, numbered);
    }
}

void Slice::append_deflated(std::string_view payload, bool binary, std::uint64_t order,
                            bool numbered) {
    append_websocket(ws_compressed, payload, binary, order, numbered);
}

void Slice::append_websocket(unsigned flags, std::string_view payload, bool binary,
                             std::uint64_t order, bool numbered) {
    char header[ws_max_header];
    const auto opcode = binary ? WsOpcode::binary : WsOpcode::text;
    const auto size = write_ws_header(header, opcode, payload.size());
    header[0] = static_cast<char>(static_cast<unsigned char>(header[0]) | flags);
    bytes_.append(header, size);
    append_framed(payload, order, numbered);
}

void Slice::append_framed(std::string_view bytes, std::uint64_t order, bool numbered) {
    bytes_.append(bytes);
    pieces_.push_back({order, static_cast<std::uint32_t>(bytes_.size()), numbered});
    numbered_ += numbered ? 1 : 0;
}

void Slice::clear() noexcept {
    if (bytes_.capacity() > kept_capacity) bytes_ = {};
    bytes_.clear();
    pieces_.clear();
    numbered_ = 0;
}

} // namespace chain::detail
