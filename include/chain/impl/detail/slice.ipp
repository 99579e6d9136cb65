// Definitions of <chain/detail/slice.hpp>.
#pragma once

#include <chain/detail/framing.hpp>
#include <chain/detail/slice.hpp>
#include <chain/detail/ws_codec.hpp>

#include <algorithm>

namespace chain::detail {

void Slice::append(Framing framing, const FrameText& frame, bool numbered) {
    bytes_.resize(size_);
    append_frame(bytes_, framing, frame);
    size_ = bytes_.size();
    end_frame(numbered);
}

void Slice::end_websocket(bool binary, bool numbered) {
    const auto opcode = binary ? WsOpcode::binary : WsOpcode::text;
    const auto payload = bytes_.size() - size_ - usual_header;
    if (ws_header_size(payload) == usual_header) { // in place: a copy would wait for its writing
        write_ws_header(bytes_.data() + size_, opcode, payload);
    } else {
        char header[ws_max_header];
        bytes_.replace(size_, usual_header, header, write_ws_header(header, opcode, payload));
    }
    size_ = bytes_.size();
    end_frame(numbered);
}

void Slice::append_framed(std::string_view bytes, bool numbered) {
    bytes_.resize(size_);
    bytes_.append(bytes);
    size_ = bytes_.size();
    end_frame(numbered);
}

/// By more than is asked for, as more follows mostly.
void Slice::grow(std::size_t size) {
    bytes_.reserve(size);
    bytes_.resize(bytes_.capacity());
}

void Slice::may_drop(const SharedFate& fate) {
    pieces_.back().lossy = true;
    fates_.emplace_back(pieces_.size() - 1, fate);
}

const SharedFate* Slice::find_fate(std::size_t index) const noexcept {
    return &std::ranges::lower_bound(fates_, index, {}, [](const auto& item) {
                return item.first;
            })->second;
}

void Slice::clear() noexcept {
    if (bytes_.capacity() > kept_capacity) bytes_ = {};
    pieces_.clear();
    fates_.clear();
    size_ = 0;
    numbered_ = 0;
}

} // namespace chain::detail
