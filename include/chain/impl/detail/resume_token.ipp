// Definitions of <chain/detail/resume_token.hpp>.
#pragma once

#include <chain/detail/resume_token.hpp>

namespace chain::detail {

std::string ResumeToken::text() const { return to_hex(server) + to_hex(session) + to_hex(secret); }

std::optional<ResumeToken> resume_token_from(std::string_view text) noexcept {
    const auto ids = random_ids_from_hex(text);
    if (!ids) return std::nullopt;
    const auto& [server, session, secret] = *ids;
    return ResumeToken{server, session, secret};
}

} // namespace chain::detail
