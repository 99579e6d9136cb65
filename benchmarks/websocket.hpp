// The little of RFC 6455 that the benchmarks need, written apart from the library so that it cannot
// share its mistakes.
#pragma once

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One frame inside a receive buffer; `consumed` is 0 while it is incomplete.
struct Frame {
    bool final = false;
    bool masked = false;
    bool compressed = false; ///< RSV1 of RFC 7692.
    Opcode opcode = Opcode::text;
    std::string_view payload;
    std::size_t consumed = 0;
};

inline void apply_mask(char* data, std::size_t size, const unsigned char* key) {
    std::uint32_t key32;
    std::memcpy(&key32, key, 4);
    const std::uint64_t key64 = key32 | std::uint64_t{key32} << 32;
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        std::uint64_t word;
        std::memcpy(&word, data + i, 8);
        word ^= key64;
        std::memcpy(data + i, &word, 8);
    }
    for (; i < size; ++i) data[i] = static_cast<char>(data[i] ^ key[i % 4]);
}

inline std::uint64_t read_big_endian(const unsigned char* bytes, int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
    return value;
}

/// Reads the frame at the start of the buffer and removes its mask in place.
inline Frame read_frame(char* data, std::size_t size) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(data);
    if (size < 2) return {};
    const int length_code = bytes[1] & 0x7f;
    const int extra = length_code == 126 ? 2 : length_code == 127 ? 8 : 0;
    const bool masked = (bytes[1] & 0x80) != 0;
    const std::size_t head = 2 + extra + (masked ? 4 : 0);
    if (size < head) return {};

    const std::uint64_t length = extra ? read_big_endian(bytes + 2, extra) : length_code;
    if (size - head < length) return {};
    if (masked) apply_mask(data + head, length, bytes + head - 4);
    return {(bytes[0] & 0xb0) == 0x80, masked,
            (bytes[0] & 0x40) != 0,    static_cast<Opcode>(bytes[0] & 0x0f),
            {data + head, length},     head + length};
}

inline void append_head(std::string& out, Opcode opcode, std::size_t length, bool masked) {
    const auto put = [&out](std::uint64_t byte) { out.push_back(static_cast<char>(byte)); };
    const unsigned mask_bit = masked ? 0x80 : 0;
    put(0x80 | static_cast<unsigned>(opcode));
    const int extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
    put(mask_bit | (extra == 0 ? length : extra == 2 ? 126 : 127));
    for (int shift = (extra - 1) * 8; shift >= 0; shift -= 8) put(length >> shift & 0xff);
}

inline void append_server_frame(std::string& out, Opcode opcode, std::string_view payload) {
    append_head(out, opcode, payload.size(), false);
    out.append(payload);
}

inline void append_client_frame(std::string& out, Opcode opcode, std::string_view payload,
                                std::uint32_t mask) {
    append_head(out, opcode, payload.size(), true);
    std::array<unsigned char, 4> key;
    std::memcpy(key.data(), &mask, 4);
    out.append(reinterpret_cast<const char*>(key.data()), 4);
    const std::size_t start = out.size();
    out.append(payload);
    apply_mask(out.data() + start, payload.size(), key.data());
}

/// The `Sec-WebSocket-Accept` value that answers a `Sec-WebSocket-Key`.
inline std::string accept_key(std::string_view key) {
    const std::string text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 32> encoded;
    const int length = EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
    return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
}

/// The value of an HTTP header in a request or response head; empty when it is missing.
inline std::string_view header_value(std::string_view head, std::string_view name) {
    for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at)) {
        at += 2;
        const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
        if (line.size() <= name.size() || line[name.size()] != ':') continue;
        if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
        const std::size_t value = line.find_first_not_of(" \t", name.size() + 1);
        return value == line.npos ? std::string_view{} : line.substr(value);
    }
    return {};
}

} // namespace bench
