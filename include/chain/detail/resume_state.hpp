// ResumeState: what a session keeps so that it can outlive its connections without loss.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/fate.hpp>
#include <chain/detail/kept_frames.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/detail/timer_wheel.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace chain::detail {

class SessionCore;

/// Why a session could not be resumed.
enum class NotResumed : std::uint8_t { none, expired, gap, unknown, refused };
/// In the words of the protocol.
std::string_view to_string(NotResumed why) noexcept;

/// Counts what was received, and knows the tokens. Has no clock and no connection of its own.
class ResumeState {
  public:
    explicit ResumeState(SessionCore& session);

    // What the client has said.
    /// How many of the client's frames were taken.
    std::uint32_t received() const noexcept { return received_; }
    /// Takes one more. @return how many have not been acknowledged.
    std::uint32_t take() noexcept { return ++received_ - acknowledged_; }
    /// Is there something to acknowledge?
    bool owes_ack() const noexcept { return received_ != acknowledged_; }
    /// The count to acknowledge.
    std::uint32_t acknowledge() noexcept { return acknowledged_ = received_; }

    // Who the client is.
    /// The secret of the newest token.
    const RandomId& secret() const noexcept { return secret_; }
    /// Is it the newest secret?
    bool current(const RandomId& secret) const noexcept;
    /// Is it a secret with which the session may be resumed?
    bool accepts(const RandomId& secret) const noexcept;
    /// Something came over the newest connection: an older token is worth nothing any more.
    void heard() noexcept { previous_.reset(); }
    /// Is this try to resume newer than the last? A try without a number always is.
    bool newer(std::optional<std::uint32_t> attempt) const noexcept;
    /// The holder of this secret, or who is known otherwise, takes the session over. @return the
    /// number of the claim: a connection of an older one comes too late.
    std::uint32_t claim(std::optional<RandomId> shown, std::optional<std::uint32_t> attempt);
    std::uint32_t claims() const noexcept { return claims_; }

    KeptFrames kept;
    /// Is the client told of its session, in `_session`? Old clients over SSE are not.
    bool announced = false;
    /// Is the next connection a new one to the client, and not one more poll?
    bool greets = true;
    /// What it is told.
    bool resumed = false;
    NotResumed reason = NotResumed::none;
    /// What the next connection is sent again: all after this number. Nothing: none of it.
    std::optional<std::uint32_t> replay_after = {};
    /// The kind of connection that the client speaks through, or is about to.
    Framing carrier = Framing::lines;
    /// Bytes of the outbox that were sent before, and do not count as those of a slow reader.
    std::size_t replaying = 0;
    /// What waited when its connection was closed for reading too slowly. Does not count either.
    Backlog excused = {};
    /// Nothing waits any more.
    void caught_up() noexcept {
        replaying = 0;
        excused = {};
    }
    /// Its place among the sessions without a connection; 0 when it has one.
    std::uint64_t away = 0;

    struct Timer : TimerNode {
        using TimerNode::TimerNode;
        SessionCore* session = nullptr;
    };
    Timer ack_timer;
    Timer age_timer;

  private:
    std::uint32_t received_ = 0;
    std::uint32_t acknowledged_ = 0;
    std::uint32_t claims_ = 0;
    std::optional<std::uint32_t> attempt_;
    RandomId secret_;
    std::optional<RandomId> previous_;
};

} // namespace chain::detail
