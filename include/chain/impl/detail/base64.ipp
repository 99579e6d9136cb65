// Definitions of <chain/detail/base64.hpp>.
#pragma once

#include <chain/detail/base64.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>

namespace chain::detail {

std::string base64_encode(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0'); // OpenSSL ends it with a NUL
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    const int length = EVP_EncodeBlock(to, from, static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(length));
    return out;
}

bool is_base64(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '/';
}

std::optional<std::string> base64_decode(std::string_view text) {
    const auto padded = text.size();
    while (padded - text.size() < 2 && text.ends_with('=')) text.remove_suffix(1);
    if (padded != text.size() && padded % 4 != 0) return std::nullopt;
    if (text.size() % 4 == 1) return std::nullopt;
    std::string standard(text);
    std::ranges::replace(standard, '-', '+');
    std::ranges::replace(standard, '_', '/');
    if (!std::ranges::all_of(standard, is_base64)) return std::nullopt;
    const auto missing = (4 - standard.size() % 4) % 4;
    standard.append(missing, '=');
    std::string out(standard.size() / 4 * 3 + 1, '\0');
    const auto* from = reinterpret_cast<const unsigned char*>(standard.data());
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    const int length = EVP_DecodeBlock(to, from, static_cast<int>(standard.size()));
    if (length < 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(length) - missing);
    return out;
}

} // namespace chain::detail
