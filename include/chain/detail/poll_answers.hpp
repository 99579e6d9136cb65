// PollAnswers: the numbered answers to a long-poll client, and the tokens that name them.
#pragma once

#include <chain/detail/random_id.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// What a client shows with each request: its session, that it may use it, and the last answer it
/// has got. To the client it is opaque.
struct PollToken {
    RandomId node;   ///< On which the session lives.
    RandomId id;     ///< By which the session is looked up.
    RandomId secret; ///< Compared in constant time.
    std::uint32_t answer = 0;
};

/// A token of a new session on this node.
PollToken make_poll_token(const RandomId& node);
std::string to_text(const PollToken& token);
/// Reads what `to_text` has written.
std::optional<PollToken> poll_token_from(std::string_view text) noexcept;
/// Does `shown` have the secret of `own`? Takes as long whether it does or not.
bool same_secret(const PollToken& own, const PollToken& shown) noexcept;

/// The answers with messages that a session's client was given, numbered from 1. The last one is
/// kept until a poll shows its number.
class PollAnswers {
  public:
    enum class Next : std::uint8_t {
        more,  ///< All has arrived: go on.
        again, ///< The last answer has not arrived: give it again.
        lost,  ///< No poll of this session's own client.
    };

    explicit PollAnswers(const PollToken& token) noexcept : token_(token) {}

    /// A poll has come, whose client has got the answer number `seen`.
    Next polled(std::uint32_t seen) noexcept;
    /// Makes the next answer of these lines, each of them a frame.
    void add(std::string_view lines);
    /// The client may not have got the last answer.
    bool unconfirmed() const noexcept { return !messages_.empty(); }
    /// Bytes that are kept.
    std::size_t bytes() const noexcept { return messages_.size(); }
    const PollToken& token() const noexcept { return token_; }

    /// The body of the last answer.
    std::string body() const;
    /// The body of an answer without messages.
    std::string empty_body(int status) const;

  private:
    PollToken token_;
    std::string messages_; ///< Of the last answer, as a JSON array.
};

/// How many of the bytes of `lines` go into an answer of about `limit` bytes: whole lines, and at
/// least one.
std::size_t answer_size(std::string_view lines, std::size_t limit) noexcept;

} // namespace chain::detail
