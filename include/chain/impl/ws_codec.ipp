// Definitions of the WebSocket codec: header parsing, unmasking, reassembly.
#include <chain/detail/utf8.hpp>
#include <chain/detail/ws_codec.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace chain::detail {

enum class WsError : std::uint8_t {
    none,
    reserved_bits,
    unknown_opcode,
    fragmented_control,
    nothing_to_continue,
    unfinished_message,
    too_many_fragments,
    unmasked,
    long_control,
    length_not_minimal,
    length_top_bit,
    too_big,
    text_not_utf8,
    close_size,
    close_code,
    reason_not_utf8
};

struct WsFrame {
    WsOpcode opcode = WsOpcode::continuation;
    bool fin = false;
    std::array<char, 4> key = {}; // turned so that key[0] belongs to the next payload byte
    std::uint64_t left = 0;       // payload bytes that have not arrived
};

struct WsPartial {
    std::vector<char> message; // payload of the current message
    std::vector<char> control; // payload of the current control frame
    WsFrame frame;             // the frame whose payload is arriving, while in_frame
    std::array<char, 14> header = {};
    std::uint8_t header_size = 0;
    bool in_frame = false;
    bool in_message = false; // a non-final frame has arrived, its message goes on
    bool binary = false;
    std::uint16_t fragments = 0;
    Utf8Validator utf8;
};

// All .ipp files may meet in one translation unit: `ws` keeps these names apart from other files'.
namespace ws {
namespace {

constexpr std::size_t max_control_payload = 125;
constexpr std::uint16_t no_code_given = 1005;

struct Refusal {
    std::uint16_t code;
    std::string_view sentence;
};

// Indexed by WsError.
constexpr std::array<Refusal, 16> refusals = {{
    {0, ""},
    {1002, "reserved bits are set"},
    {1002, "unknown opcode"},
    {1002, "a control frame must not be fragmented"},
    {1002, "a continuation frame continues no message"},
    {1002, "a new message began before the last one was complete"},
    {1008, "a message has too many fragments"},
    {1002, "client frames must be masked"},
    {1002, "a control frame is longer than 125 bytes"},
    {1002, "the payload length is not minimally encoded"},
    {1002, "the payload length has its top bit set"},
    {1009, "the message is too big"},
    {1007, "the text is not UTF-8"},
    {1002, "a close frame must not have a payload of one byte"},
    {1002, "the close code is invalid"},
    {1007, "the close reason is not UTF-8"},
}};

unsigned to_unsigned(char byte) noexcept { return static_cast<unsigned char>(byte); }

std::string_view view(std::span<const char> bytes) noexcept { return {bytes.data(), bytes.size()}; }

void append(std::vector<char>& bytes, std::span<const char> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
}

bool is_control(WsOpcode opcode) noexcept { return static_cast<unsigned>(opcode) >= 8; }

bool is_known(WsOpcode opcode) noexcept {
    return opcode <= WsOpcode::binary || (opcode >= WsOpcode::close && opcode <= WsOpcode::pong);
}

std::span<char> take(std::span<char>& input, std::uint64_t at_most) noexcept {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), at_most));
    const auto piece = input.first(size);
    input = input.subspan(size);
    return piece;
}

void unmask(std::span<char> bytes, WsFrame& frame) noexcept {
    std::array<char, 8> twice{};
    std::memcpy(twice.data(), frame.key.data(), 4);
    std::memcpy(twice.data() + 4, frame.key.data(), 4);
    std::uint64_t mask = 0;
    std::memcpy(&mask, twice.data(), sizeof mask);

    std::size_t i = 0;
    for (std::uint64_t word = 0; bytes.size() - i >= sizeof word; i += sizeof word) {
        std::memcpy(&word, bytes.data() + i, sizeof word);
        word ^= mask;
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    for (; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(to_unsigned(bytes[i]) ^ to_unsigned(twice[i % 8]));
    }
    std::memcpy(frame.key.data(), twice.data() + bytes.size() % 4, 4);
    frame.left -= bytes.size();
}

WsError read_first(unsigned byte, const WsPartial* partial, WsFrame& frame) noexcept {
    const bool in_message = partial != nullptr && partial->in_message;
    frame.fin = (byte & 0x80U) != 0;
    frame.opcode = static_cast<WsOpcode>(byte & 0x0FU);
    if ((byte & 0x70U) != 0) return WsError::reserved_bits;
    if (!is_known(frame.opcode)) return WsError::unknown_opcode;
    if (is_control(frame.opcode)) return frame.fin ? WsError::none : WsError::fragmented_control;
    if (frame.opcode != WsOpcode::continuation) {
        return in_message ? WsError::unfinished_message : WsError::none;
    }
    if (!in_message) return WsError::nothing_to_continue;
    return partial->fragments < ws_max_fragments ? WsError::none : WsError::too_many_fragments;
}

WsError check_second(unsigned byte, WsOpcode opcode) noexcept {
    if ((byte & 0x80U) == 0) return WsError::unmasked;
    const bool too_long = is_control(opcode) && (byte & 0x7FU) > max_control_payload;
    return too_long ? WsError::long_control : WsError::none;
}

std::size_t length_bytes_of(unsigned second_byte) noexcept {
    const unsigned size = second_byte & 0x7FU;
    if (size < 126) return 0;
    return size == 126 ? 2 : 8;
}

std::uint64_t big_endian(std::string_view bytes) noexcept {
    std::uint64_t number = 0;
    for (const char byte : bytes) number = (number << 8U) | to_unsigned(byte);
    return number;
}

WsError check_size(const WsFrame& frame, std::size_t length_bytes, std::uint64_t room) noexcept {
    if (length_bytes == 2 && frame.left < 126) return WsError::length_not_minimal;
    if (length_bytes == 8 && frame.left <= 0xFFFF) return WsError::length_not_minimal;
    if (frame.left >> 63U != 0) return WsError::length_top_bit;
    return !is_control(frame.opcode) && frame.left > room ? WsError::too_big : WsError::none;
}

struct ParsedHeader {
    WsError error = WsError::none;
    std::size_t size = 0; // 0 while it is incomplete
};

// Fields are checked in the order of their bytes, each as soon as it is whole, so that the outcome
// does not depend on where the input was split.
ParsedHeader parse_header(std::string_view bytes, const WsPartial* partial,
                          std::uint64_t max_message, WsFrame& frame) noexcept {
    if (bytes.empty()) return {};
    const auto first = read_first(to_unsigned(bytes[0]), partial, frame);
    if (first != WsError::none || bytes.size() < 2) return {.error = first};

    const unsigned second_byte = to_unsigned(bytes[1]);
    const auto second = check_second(second_byte, frame.opcode);
    const auto length_bytes = length_bytes_of(second_byte);
    if (second != WsError::none || bytes.size() < 2 + length_bytes) return {.error = second};

    frame.left =
        length_bytes == 0 ? second_byte & 0x7FU : big_endian(bytes.substr(2, length_bytes));
    const auto held = partial != nullptr ? partial->message.size() : 0;
    const auto size = check_size(frame, length_bytes, max_message - held);
    if (size != WsError::none || bytes.size() < 6 + length_bytes) return {.error = size};

    std::memcpy(frame.key.data(), bytes.data() + 2 + length_bytes, 4);
    return {.size = 6 + length_bytes};
}

} // namespace
} // namespace ws

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

WsDecoder::WsDecoder(std::size_t max_message) noexcept
    : max_message_(static_cast<std::uint32_t>(
          std::min<std::size_t>(max_message, std::numeric_limits<std::uint32_t>::max()))) {}

WsDecoder::WsDecoder(WsDecoder&&) noexcept = default;
WsDecoder& WsDecoder::operator=(WsDecoder&&) noexcept = default;
WsDecoder::~WsDecoder() = default;

WsEvent WsDecoder::next(std::span<char>& input) {
    forget_delivered();
    std::optional<WsEvent> event;
    while (!event && !ended()) {
        auto frame = next_frame(input);
        if (!frame) break;
        const auto piece = ws::take(input, frame->left);
        ws::unmask(piece, *frame);
        event =
            ws::is_control(frame->opcode) ? take_control(*frame, piece) : take_data(*frame, piece);
    }
    if (ended()) input = {};
    return event ? *event : standing_event();
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

// The frame whose payload comes next in `input`; none when its header is incomplete or was refused.
std::optional<WsFrame> WsDecoder::next_frame(std::span<char>& input) {
    if (partial_ && std::exchange(partial_->in_frame, false)) return partial_->frame;

    const std::size_t held = partial_ ? partial_->header_size : 0;
    const auto bytes = held == 0 ? ws::view(input) : join_header(input);
    WsFrame frame;
    const auto parsed = ws::parse_header(bytes, partial_.get(), max_message_, frame);
    if (parsed.error != WsError::none) {
        fail(parsed.error);
        return std::nullopt;
    }
    if (parsed.size == 0) {
        keep_header(bytes);
        input = {};
        return std::nullopt;
    }
    if (partial_) partial_->header_size = 0;
    input = input.subspan(parsed.size - held);
    return frame;
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
    if (bytes.empty()) return;
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

std::optional<WsEvent> WsDecoder::take_data(const WsFrame& frame, std::span<char> piece) {
    if (partial_ || frame.left > 0 || !frame.fin) return take_part(frame, piece);
    const bool binary = frame.opcode == WsOpcode::binary;
    if (!binary && !valid_utf8(ws::view(piece))) return fail(WsError::text_not_utf8);
    return WsEvent{.kind = WsEvent::Kind::message, .binary = binary, .payload = ws::view(piece)};
}

// The general case of take_data: a piece of a frame, or a frame of several.
std::optional<WsEvent> WsDecoder::take_part(const WsFrame& frame, std::span<char> piece) {
    auto& state = partial();
    if (frame.opcode != WsOpcode::continuation) state.binary = frame.opcode == WsOpcode::binary;
    if (!state.binary && !state.utf8.feed(ws::view(piece))) return fail(WsError::text_not_utf8);
    if (frame.left == 0 && frame.fin) return end_message(piece);

    ws::append(state.message, piece);
    if (frame.left > 0) return suspend(frame);
    state.in_message = true;
    ++state.fragments;
    return std::nullopt;
}

WsEvent WsDecoder::end_message(std::span<char> last_piece) {
    auto& state = *partial_;
    if (!state.binary && !state.utf8.complete()) return fail(WsError::text_not_utf8);
    state.in_message = false;
    const bool whole = state.message.empty();
    if (!whole) ws::append(state.message, last_piece);
    return {.kind = WsEvent::Kind::message,
            .binary = state.binary,
            .payload = ws::view(whole ? last_piece : state.message)};
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
