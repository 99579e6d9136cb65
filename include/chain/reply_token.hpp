// ReplyToken: the right to answer one request later.
#pragma once

#include <chain/error.hpp>
#include <chain/reply.hpp>

#include <cstdint>
#include <memory>

namespace chain {

namespace detail {
struct PendingReply;
}

/// How often a token may be used.
enum class TokenUse : std::uint8_t {
    once,
    often, ///< Each answer is sent. phoenix.js and chain.js take the first and ignore the others.
};

/// The right to answer one request after its handler has returned, once, from any thread. May be
/// copied; the first reply through any copy counts. Dropping it unused leaves the request without
/// an answer.
class ReplyToken {
  public:
    ReplyToken() = default;
    /// Wraps the library's own object; see `Socket::reply_token`.
    explicit ReplyToken(std::shared_ptr<detail::PendingReply> pending) noexcept;

    /// Answers the request.
    /// @return no error when it is on its way; `Errc::already_replied` the second time,
    /// `Errc::not_joined` when the membership has ended, `Errc::no_request` for an empty token,
    /// `Errc::invalid_payload`, `Errc::closed`.
    error_code reply(const Reply& answer) const;

  private:
    std::shared_ptr<detail::PendingReply> pending_;
};

} // namespace chain
