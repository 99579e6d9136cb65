// ResumeToken: what a client shows to go on with its session.
#pragma once

#include <chain/detail/random_id.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// What a client shows to go on with its session. The session is found by its id; only the secret
/// proves anything. Never logged.
struct ResumeToken {
    RandomId server;  ///< Tells a session that has ended from one of another server.
    RandomId session; ///< Its id.
    RandomId secret;

    std::string text() const;
};

/// From 96 hexadecimal digits.
std::optional<ResumeToken> resume_token_from(std::string_view text) noexcept;

} // namespace chain::detail
