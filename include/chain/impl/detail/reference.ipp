// Definitions of <chain/detail/reference.hpp>.
#pragma once

#include <chain/detail/reference.hpp>

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace chain::detail {

static_assert(sizeof(std::uintptr_t) >= 8,
              "chain: numbers are kept in the bits of a 64-bit pointer");

/// Longest text that is kept inline as it is.
inline constexpr std::size_t short_size = 7;

/// The number that `digits` is the canonical text of and that fits 61 bits, or 0.
std::uint64_t inline_number(std::string_view digits) noexcept {
    std::uint64_t number = 0;
    if (digits.empty() || digits.size() > 18 || digits.front() == '0') return 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, failed] = std::from_chars(digits.data(), end, number);
    return failed == std::errc{} && stop == end ? number : 0;
}

/// A text of at most `short_size` with its size, in 62 bits; 0 when it is empty.
std::uint64_t packed(std::string_view text) noexcept {
    std::uint64_t bytes = 0;
    for (auto i = text.size(); i > 0; --i)
        bytes = bytes << 8U | static_cast<unsigned char>(text[i - 1]);
    return bytes << 6U | text.size();
}

/// @return the text that was packed, which `storage` holds
std::string_view unpacked(std::uint64_t bits, char (&storage)[24]) noexcept {
    const auto bytes = bits >> 6U;
    if constexpr (std::endian::native == std::endian::little)
        std::memcpy(storage, &bytes, sizeof bytes); // at once, as they lie in memory
    else
        for (unsigned i = 0; i < short_size; ++i)
            storage[i] = static_cast<char>(bytes >> 8U * i & 0xFFU);
    return {storage, static_cast<std::size_t>(bits & 7U)};
}

Reference::Reference(std::string_view token) {
    if (token.empty()) return;
    if (token.size() <= short_size) {
        bits_ = packed(token) << 2U | short_text;
        return;
    }
    const bool quoted = token.front() == '"' && token.back() == '"';
    if (const auto value = inline_number(quoted ? token.substr(1, token.size() - 2) : token))
        bits_ = value << 2U | (quoted ? quoted_number : number);
    else
        bits_ = reinterpret_cast<std::uintptr_t>(new std::string(token));
}

Reference::Reference(Reference&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}

Reference& Reference::operator=(Reference&& other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
}

Reference::~Reference() {
    if (kind() == heap) delete on_heap();
}

const std::string* Reference::on_heap() const noexcept {
    return reinterpret_cast<const std::string*>(bits_);
}

bool Reference::operator==(std::string_view token) const noexcept {
    if (token.size() <= short_size) // kept in no other way
        return token.empty() ? empty() : bits_ == (packed(token) << 2U | short_text);
    char storage[24];
    return text(storage) == token;
}

std::string_view Reference::text(char (&storage)[24]) const noexcept {
    if (empty()) return {};
    if (kind() == heap) return *on_heap();
    if (kind() == short_text) return unpacked(bits_ >> 2U, storage);
    char* at = storage;
    if (kind() == quoted_number) *at++ = '"';
    at = std::to_chars(at, storage + sizeof storage, bits_ >> 2U).ptr;
    if (kind() == quoted_number) *at++ = '"';
    return {storage, static_cast<std::size_t>(at - storage)};
}

std::string Reference::text() const {
    char storage[24];
    return std::string(text(storage));
}

} // namespace chain::detail
