// Definitions of <chain/detail/resume_state.hpp>.
#pragma once

#include <chain/detail/resume_state.hpp>
#include <chain/detail/resume_token.hpp>
#include <chain/detail/session_core.hpp>

namespace chain::detail {

std::string_view to_string(NotResumed why) noexcept {
    static constexpr std::string_view names[] = {"", "expired", "gap", "unknown", "refused"};
    return names[static_cast<std::size_t>(why)];
}

ResumeState::ResumeState(SessionCore& session)
    : ack_timer([](TimerNode& timer) { static_cast<Timer&>(timer).session->send_ack(); }),
      age_timer([](TimerNode& timer) { static_cast<Timer&>(timer).session->forget_old(); }),
      secret_(make_random_id()) {
    ack_timer.session = age_timer.session = &session;
}

bool ResumeState::current(const RandomId& secret) const noexcept {
    return same_secret(secret, secret_);
}

bool ResumeState::accepts(const RandomId& secret) const noexcept {
    const bool is_current = same_secret(secret, secret_);
    const bool is_previous = same_secret(secret, previous_.value_or(RandomId{}));
    return is_current || (previous_ && is_previous);
}

bool ResumeState::newer(std::optional<std::uint32_t> attempt) const noexcept {
    return !attempt || !attempt_ || *attempt > *attempt_;
}

std::uint32_t ResumeState::claim(std::optional<RandomId> shown,
                                 std::optional<std::uint32_t> attempt) {
    if (attempt) attempt_ = attempt;
    if (shown) {
        previous_ = shown;
        secret_ = make_random_id();
    }
    return ++claims_;
}

} // namespace chain::detail
