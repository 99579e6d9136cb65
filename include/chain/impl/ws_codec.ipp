// Definitions of <chain/detail/ws_codec.hpp>: reassembly.
#pragma once

#include <chain/detail/utf8.hpp>
#include <chain/detail/ws_codec.hpp>
#include <chain/detail/ws_deflate.hpp>
#include <chain/impl/ws_frame.ipp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace chain::detail {

std::string ws_close_frame(std::uint16_t code, std::string_view reason) {
    std::string payload;
    if (valid_close_code(code)) {
        std::size_t size = std::min(reason.size(), ws::max_control_payload - 2);
        if (size < reason.size()) {
            while (size > 0 && (ws::to_unsigned(reason[size]) & 0xC0U) == 0x80) --size;
        }
        payload += static_cast<char>(code >> 8U);
        payload += static_cast<char>(code & 0xFFU);
        payload += reason.substr(0, size);
    }
    std::array<char, ws_max_header> header{};
    const auto header_size = write_ws_header(header.data(), WsOpcode::close, payload.size());
    return std::string(header.data(), header_size) + payload;
}

bool valid_close_code(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

WsDecoder::WsDecoder(std::size_t max_message, bool compression) noexcept
    : max_message_(static_cast<std::uint32_t>(
          std::min<std::size_t>(max_message, std::numeric_limits<std::uint32_t>::max()))),
      compression_(compression) {}

WsDecoder::WsDecoder(WsDecoder&&) noexcept = default;
WsDecoder& WsDecoder::operator=(WsDecoder&&) noexcept = default;
WsDecoder::~WsDecoder() = default;

WsEvent WsDecoder::next(std::span<char>& input) {
    forget_delivered();
    WsEvent event;
    while (event.kind == WsEvent::Kind::need_more && !input.empty() && !ended()) {
        WsFrame frame;
        if (!next_frame(input, frame)) break;
        const auto piece = ws::take(input, frame.left);
        const bool ascii = ws::unmask(piece, frame);
        event = ws::is_control(frame.opcode) ? take_control(frame, piece)
                                             : take_data(frame, piece, ascii);
    }
    if (ended()) input = {};
    if (event.kind == WsEvent::Kind::need_more) event = standing_event();
    return event;
}

std::size_t WsDecoder::buffered() const noexcept {
    if (!partial_) return 0;
    return sizeof(WsPartial) + partial_->message.capacity() + partial_->control.capacity();
}

bool WsDecoder::ended() const noexcept { return close_code_ != 0 || error_ != WsError::none; }

// What is to be said while no new event arises: need_more, or again how it ended.
WsEvent WsDecoder::standing_event() const noexcept {
    if (close_code_ != 0) return {.kind = WsEvent::Kind::close, .code = close_code_};
    if (error_ == WsError::none) return {};
    const auto& refusal = ws::refusals[static_cast<std::size_t>(error_)];
    return {.kind = WsEvent::Kind::failure, .code = refusal.code, .payload = refusal.sentence};
}

WsEvent WsDecoder::fail(WsError error) noexcept {
    error_ = error;
    partial_.reset();
    return standing_event();
}

WsPartial& WsDecoder::partial() {
    if (!partial_) partial_ = std::make_unique<WsPartial>();
    return *partial_;
}

void WsDecoder::forget_delivered() noexcept {
    if (!partial_ || (partial_->in_frame && !ended())) return;
    partial_->control = {};
    const bool needed = partial_->in_message || partial_->header_size > 0;
    if (ended() || !needed) partial_.reset();
}

// Finds the frame whose payload comes next in `input`. False when its header is incomplete or was
// refused.
bool WsDecoder::next_frame(std::span<char>& input, WsFrame& frame) {
    if (partial_ && std::exchange(partial_->in_frame, false)) {
        frame = partial_->frame;
        return true;
    }
    const std::size_t held = partial_ ? partial_->header_size : 0;
    const auto bytes = held == 0 ? ws::view(input) : join_header(input);
    const auto parsed =
        ws::parse_header(bytes, partial_.get(), {max_message_, compression_}, frame);
    if (parsed.error != WsError::none) {
        fail(parsed.error);
        return false;
    }
    if (parsed.size == 0) {
        keep_header(bytes);
        input = {};
        return false;
    }
    if (partial_) partial_->header_size = 0;
    input = input.subspan(parsed.size - held);
    return true;
}

// The header bytes kept from before, with those of `input` that can belong to them.
std::string_view WsDecoder::join_header(std::span<const char> input) noexcept {
    auto& header = partial_->header;
    const std::size_t held = partial_->header_size;
    const auto added = std::min(input.size(), header.size() - held);
    std::copy_n(input.begin(), added, header.begin() + static_cast<std::ptrdiff_t>(held));
    return {header.data(), held + added};
}

void WsDecoder::keep_header(std::string_view bytes) {
    auto& kept = partial();
    std::memmove(kept.header.data(), bytes.data(), bytes.size());
    kept.header_size = static_cast<std::uint8_t>(bytes.size());
}

// Keeps the place inside a frame that has not arrived whole.
WsEvent WsDecoder::suspend(const WsFrame& frame) {
    partial().frame = frame;
    partial().in_frame = true;
    return {};
}

WsEvent WsDecoder::take_data(const WsFrame& frame, std::span<char> piece, bool ascii) {
    if (partial_ || frame.left > 0 || !frame.fin) return take_part(frame, piece);
    const bool binary = frame.opcode == WsOpcode::binary;
    if (frame.compressed) return inflate(ws::view(piece), binary);
    if (!binary && !ascii && !valid_utf8(ws::view(piece))) return fail(WsError::text_not_utf8);
    return {.kind = WsEvent::Kind::message, .binary = binary, .payload = ws::view(piece)};
}

// The general case of take_data: a piece of a frame, or a frame of several.
WsEvent WsDecoder::take_part(const WsFrame& frame, std::span<char> piece) {
    auto& state = partial();
    if (frame.opcode != WsOpcode::continuation) {
        state.binary = frame.opcode == WsOpcode::binary;
        state.compressed = frame.compressed;
    }
    if (!state.binary && !state.compressed && !state.utf8.feed(ws::view(piece)))
        return fail(WsError::text_not_utf8);
    if (frame.left == 0 && frame.fin) return end_message(piece);

    ws::append(state.message, piece);
    if (frame.left > 0) return suspend(frame);
    state.in_message = true;
    ++state.fragments;
    return {};
}

WsEvent WsDecoder::end_message(std::span<char> last_piece) {
    auto& state = *partial_;
    if (state.compressed) {
        state.in_message = false;
        ws::append(state.message, last_piece);
        const auto payload = std::exchange(state.message, {});
        return inflate(ws::view(payload), state.binary);
    }
    if (!state.binary && !state.utf8.complete()) return fail(WsError::text_not_utf8);
    state.in_message = false;
    const bool whole = state.message.empty();
    if (!whole) ws::append(state.message, last_piece);
    return {.kind = WsEvent::Kind::message,
            .binary = state.binary,
            .payload = ws::view(whole ? last_piece : state.message)};
}

WsEvent WsDecoder::inflate(std::string_view payload, bool binary) {
    auto& message = partial().message;
    const auto outcome = inflate_message(payload, max_message_, message);
    if (outcome == Inflated::too_big) return fail(WsError::too_big);
    if (outcome == Inflated::corrupt) return fail(WsError::not_inflatable);
    if (!binary && !valid_utf8(ws::view(message))) return fail(WsError::text_not_utf8);
    return {.kind = WsEvent::Kind::message, .binary = binary, .payload = ws::view(message)};
}

WsEvent WsDecoder::take_control(const WsFrame& frame, std::span<char> piece) {
    const bool whole = frame.left == 0 && (!partial_ || partial_->control.empty());
    if (whole) return control_event(frame.opcode, ws::view(piece));
    ws::append(partial().control, piece);
    return frame.left > 0 ? suspend(frame)
                          : control_event(frame.opcode, ws::view(partial_->control));
}

WsEvent WsDecoder::control_event(WsOpcode opcode, std::string_view payload) {
    if (opcode == WsOpcode::close) return close_event(payload);
    const auto kind = opcode == WsOpcode::ping ? WsEvent::Kind::ping : WsEvent::Kind::pong;
    return {.kind = kind, .payload = payload};
}

WsEvent WsDecoder::close_event(std::string_view payload) {
    if (payload.size() == 1) return fail(WsError::close_size);
    const auto code = payload.empty()
                          ? ws::no_code_given
                          : static_cast<std::uint16_t>(ws::big_endian(payload.substr(0, 2)));
    const auto reason = payload.empty() ? payload : payload.substr(2);
    if (!payload.empty() && !valid_close_code(code)) return fail(WsError::close_code);
    if (!valid_utf8(reason)) return fail(WsError::reason_not_utf8);
    close_code_ = code;
    return {.kind = WsEvent::Kind::close, .code = code, .payload = reason};
}

} // namespace chain::detail
