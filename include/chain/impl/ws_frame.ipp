// Frame headers of the WebSocket codec: what they say, what is wrong with them, and masking.
#pragma once

#include <chain/detail/utf8.hpp>
#include <chain/detail/ws_codec.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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
    not_inflatable,
    close_size,
    close_code,
    reason_not_utf8
};

struct WsFrame {
    WsOpcode opcode = WsOpcode::continuation;
    bool fin = false;
    bool compressed = false;      // of the first frame of a message
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
    bool compressed = false;
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
constexpr std::array<Refusal, 17> refusals = {{
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
    {1007, "the compressed message cannot be inflated"},
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

constexpr std::uint64_t top_bits = 0x8080808080808080U;

std::uint64_t word_at(const char* p) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
}

// The mask of a word so many bytes further on.
std::uint64_t mask_behind(std::uint64_t mask, std::size_t bytes) noexcept {
    const int bits = static_cast<int>(bytes % 4 * 8);
    return std::endian::native == std::endian::little ? std::rotr(mask, bits)
                                                      : std::rotl(mask, bits);
}

// Unmasks what was masked as `word` and puts it to `p`.
std::uint64_t unmask_word(char* p, std::uint64_t word, std::uint64_t mask) noexcept {
    word ^= mask;
    std::memcpy(p, &word, sizeof word);
    return word;
}

// Both return all of the bytes, ored, or at least their top bits.
std::uint64_t unmask_words(std::span<char> bytes, std::uint64_t mask) noexcept {
    std::uint64_t all = 0;
    char* p = bytes.data();
    char* const last = p + bytes.size() - sizeof mask; // which may overlap the one before
    const auto last_word = word_at(last);
#if defined(__SSE2__)
    const auto two_masks = _mm_set1_epi64x(static_cast<long long>(mask));
    auto two = _mm_setzero_si128(); // the same of two words
    for (auto blocks = (bytes.size() - sizeof mask) / 16; blocks > 0; --blocks, p += 16) {
        auto* const place = reinterpret_cast<__m128i*>(p);
        const auto words = _mm_xor_si128(_mm_loadu_si128(place), two_masks);
        _mm_storeu_si128(place, words);
        two = _mm_or_si128(two, words);
    }
    if (_mm_movemask_epi8(two) != 0) all = top_bits;
#endif
    for (; p < last; p += sizeof mask) all |= unmask_word(p, word_at(p), mask);
    return all | unmask_word(last, last_word, mask_behind(mask, bytes.size()));
}

std::uint64_t unmask_few(std::span<char> bytes, std::uint64_t mask) noexcept {
    std::array<char, sizeof mask> keys{};
    std::memcpy(keys.data(), &mask, sizeof mask);
    unsigned all = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(to_unsigned(bytes[i]) ^ to_unsigned(keys[i]));
        all |= to_unsigned(bytes[i]);
    }
    return all;
}

// Returns whether the bytes are ASCII, which costs next to nothing here.
bool unmask(std::span<char> bytes, WsFrame& frame) noexcept {
    std::uint32_t key = 0;
    std::memcpy(&key, frame.key.data(), sizeof key);
    const auto mask = std::uint64_t{key} << 32U | key;
    const auto all =
        bytes.size() < sizeof mask ? unmask_few(bytes, mask) : unmask_words(bytes, mask);
    key = static_cast<std::uint32_t>(mask_behind(mask, bytes.size()));
    std::memcpy(frame.key.data(), &key, sizeof key);
    frame.left -= bytes.size();
    return (all & top_bits) == 0;
}

// What frames may be: how big a message, and whether it may be compressed.
struct Rules {
    std::uint64_t max_message;
    bool compression;

    // What a message may take before it is inflated. zlib makes a bad one a little bigger.
    std::uint64_t max_payload(bool compressed) const noexcept {
        return compressed ? max_message + max_message / 1024 + 64 : max_message;
    }
};

WsError read_first(unsigned byte, const WsPartial* partial, bool compression,
                   WsFrame& frame) noexcept {
    const bool in_message = partial != nullptr && partial->in_message;
    const unsigned reserved = byte & 0x70U;
    frame.fin = (byte & 0x80U) != 0;
    frame.opcode = static_cast<WsOpcode>(byte & 0x0FU);
    frame.compressed = reserved != 0;
    const bool begins_message = frame.opcode == WsOpcode::text || frame.opcode == WsOpcode::binary;
    if (reserved != 0 && !(compression && begins_message && reserved == ws_compressed))
        return WsError::reserved_bits;
    if (begins_message) return in_message ? WsError::unfinished_message : WsError::none;
    if (!is_known(frame.opcode)) return WsError::unknown_opcode;
    if (is_control(frame.opcode)) return frame.fin ? WsError::none : WsError::fragmented_control;
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

// The payload's length, of a header that has so many bytes for it, or in its second byte.
std::uint64_t length_in(std::string_view header, std::size_t length_bytes) noexcept {
    if (length_bytes == 0) return to_unsigned(header[1]) & 0x7FU;
    if (length_bytes == 2) return to_unsigned(header[2]) << 8U | to_unsigned(header[3]);
    return big_endian(header.substr(2, length_bytes));
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
ParsedHeader parse_header(std::string_view bytes, const WsPartial* partial, const Rules& rules,
                          WsFrame& frame) noexcept {
    const auto first = read_first(to_unsigned(bytes[0]), partial, rules.compression, frame);
    if (first != WsError::none || bytes.size() < 2) return {.error = first};

    const unsigned second_byte = to_unsigned(bytes[1]);
    const auto second = check_second(second_byte, frame.opcode);
    const auto length_bytes = length_bytes_of(second_byte);
    if (second != WsError::none || bytes.size() < 2 + length_bytes) return {.error = second};

    frame.left = length_in(bytes, length_bytes);
    const bool goes_on = partial != nullptr && partial->in_message;
    const auto held = goes_on ? partial->message.size() : 0;
    const bool compressed = goes_on ? partial->compressed : frame.compressed;
    const auto size = check_size(frame, length_bytes, rules.max_payload(compressed) - held);
    if (size != WsError::none || bytes.size() < 6 + length_bytes) return {.error = size};

    std::memcpy(frame.key.data(), bytes.data() + 2 + length_bytes, 4);
    return {.size = 6 + length_bytes};
}

} // namespace
} // namespace ws

} // namespace chain::detail
