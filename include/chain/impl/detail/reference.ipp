// Definitions of <chain/detail/reference.hpp>.
#pragma once

#include <chain/detail/reference.hpp>

#include <charconv>
#include <utility>

namespace chain::detail {

static_assert(sizeof(std::uintptr_t) >= 8,
              "chain: numbers are kept in the bits of a 64-bit pointer");

/// The number that `digits` is the canonical text of and that fits 61 bits, or 0.
std::uint64_t inline_number(std::string_view digits) noexcept {
    std::uint64_t number = 0;
    if (digits.empty() || digits.size() > 18 || digits.front() == '0') return 0;
    const auto* end = digits.data() + digits.size();
    const auto [stop, failed] = std::from_chars(digits.data(), end, number);
    return failed == std::errc{} && stop == end ? number : 0;
}

Reference::Reference(std::string_view token) {
    const bool quoted = token.size() > 2 && token.front() == '"' && token.back() == '"';
    if (const auto number = inline_number(quoted ? token.substr(1, token.size() - 2) : token))
        bits_ = static_cast<std::uintptr_t>(number << 2U | (quoted ? 3U : 1U));
    else if (!token.empty())
        bits_ = reinterpret_cast<std::uintptr_t>(new std::string(token));
}

Reference::Reference(Reference&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}

Reference& Reference::operator=(Reference&& other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
}

Reference::~Reference() {
    if (!is_number()) delete heap();
}

const std::string* Reference::heap() const noexcept {
    return reinterpret_cast<const std::string*>(bits_);
}

bool Reference::operator==(std::string_view token) const noexcept {
    char storage[24];
    return text(storage) == token;
}

std::string_view Reference::text(char (&storage)[24]) const noexcept {
    if (empty()) return {};
    if (!is_number()) return *heap();
    char* at = storage;
    const bool quoted = (bits_ & 2U) != 0;
    if (quoted) *at++ = '"';
    at = std::to_chars(at, storage + sizeof storage, bits_ >> 2U).ptr;
    if (quoted) *at++ = '"';
    return {storage, static_cast<std::size_t>(at - storage)};
}

std::string Reference::text() const {
    char storage[24];
    return std::string(text(storage));
}

} // namespace chain::detail
