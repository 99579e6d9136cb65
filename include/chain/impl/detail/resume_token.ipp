// Definitions of <chain/detail/resume_token.hpp>.
#pragma once

#include <chain/detail/resume_token.hpp>

#include <openssl/crypto.h>

namespace chain::detail {

std::string ResumeToken::text() const { return to_hex(server) + to_hex(session) + to_hex(secret); }

std::optional<ResumeToken> resume_token_from(std::string_view text) noexcept {
    constexpr std::size_t digits = 2 * std::tuple_size_v<RandomId>;
    if (text.size() != 3 * digits) return std::nullopt;
    const auto server = random_id_from_hex(text.substr(0, digits));
    const auto session = random_id_from_hex(text.substr(digits, digits));
    const auto secret = random_id_from_hex(text.substr(2 * digits));
    if (!server || !session || !secret) return std::nullopt;
    return ResumeToken{*server, *session, *secret};
}

bool same_secret(const RandomId& a, const RandomId& b) noexcept {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace chain::detail
