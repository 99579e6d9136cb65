// Definitions of <chain/detail/reference.hpp>.
#pragma once

#include <chain/detail/reference.hpp>

#include <charconv>
#include <utility>

namespace chain::detail {

static_assert(sizeof(std::uintptr_t) >= 8,
              "chain: numbers are kept in the bits of a 64-bit pointer");

/// The number that `token` is the canonical text of and that fits 62 bits, or 0.
std::uint64_t inline_number(std::string_view token) noexcept {
    std::uint64_t number = 0;
    if (token.empty() || token.size() > 18 || token.front() == '0') return 0;
    const auto [end, failed] = std::from_chars(token.data(), token.data() + token.size(), number);
    return failed == std::errc{} && end == token.data() + token.size() ? number : 0;
}

Reference::Reference(std::string_view token) {
    if (const auto number = inline_number(token))
        bits_ = static_cast<std::uintptr_t>(number << 1U | 1U);
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
    const auto [end, failed] = std::to_chars(storage, storage + sizeof storage, bits_ >> 1U);
    return {storage, static_cast<std::size_t>(end - storage)};
}

std::string Reference::text() const {
    char storage[24];
    return std::string(text(storage));
}

} // namespace chain::detail
