// Definitions of <chain/detail/session_core.hpp>: until when a session's client may go on.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/session_core.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

/// A timer is armed for no longer, as wall time may be set anew, and a wheel's ticks are few.
inline constexpr std::chrono::milliseconds longest_look = std::chrono::hours(1);

SessionCore::Expiry::Expiry(SessionCore& owner)
    : TimerNode([](TimerNode& timer) { static_cast<Expiry&>(timer).session.check_expiry(); }),
      session(owner) {}

void SessionCore::expires_at(std::optional<WallTime> at) {
    if (closed()) return;
    auto& expiry = extras().expiry;
    expiry.reset();
    if (!at) return;
    expiry = std::make_unique<Expiry>(*this);
    // Long ago is as good as yesterday; the difference to now must not overflow.
    expiry->at = std::max(*at, lane_->handler().clock().wall() - std::chrono::hours(24));
    look_again(left());
}

std::optional<WallTime> SessionCore::expires_at() const noexcept {
    if (!extras_ || !extras_->expiry) return std::nullopt;
    return extras_->expiry->at;
}

/// Until it expires; negative when it has.
std::chrono::milliseconds SessionCore::left() const noexcept {
    return std::chrono::floor<std::chrono::milliseconds>(extras_->expiry->at -
                                                         lane_->handler().clock().wall());
}

/// Waits for what comes next, when so much is left.
void SessionCore::look_again(std::chrono::milliseconds left) {
    auto& expiry = *extras_->expiry;
    const auto& timeouts = lane_->handler().config().timeouts;
    const auto next = expiry.told ? left + timeouts.expiry_grace : left - timeouts.expiry_notice;
    lane_->arm(expiry, std::clamp(next, std::chrono::milliseconds(1), longest_look));
}

void SessionCore::check_expiry() {
    auto& handler = lane_->handler();
    const auto& timeouts = handler.config().timeouts;
    const auto left = this->left();
    if (left <= -timeouts.expiry_grace) {
        handler.notify([](Observer& o) { o.session_expired(); });
        end(close_expired, "expired");
        return;
    }
    auto& expiry = *extras_->expiry;
    if (!expiry.told && left <= timeouts.expiry_notice) {
        expiry.told = true;
        tell_expiring();
    }
    look_again(left);
}

/// Asks the client for a new token, where it was not asked over an earlier connection alone.
void SessionCore::tell_expiring() {
    if (!extras_ || !extras_->expiry || !extras_->expiry->told) return;
    const auto payload = expires_in();
    Message message;
    message.topic = "_chain";
    message.event = "_expiring";
    message.payload = payload;
    send(message);
}

/// What is left, as an object; an empty one when it does not expire.
std::string SessionCore::expires_in() const {
    if (!extras_ || !extras_->expiry) return "{}";
    const auto left = std::max(this->left(), std::chrono::milliseconds(0));
    return R"({"expires_in_ms":)" + std::to_string(left.count()) + "}";
}

/// The client shows a new token.
void SessionCore::refresh(const Message& message) {
    auto& handler = lane_->handler();
    if (!handler.refreshes()) return reply_error(message, reason::unknown_event);
    if (std::exchange(extras().refreshing, true)) return reply_error(message, reason::busy);
    const Ref<SessionCore> self(this);
    handler.refresh(self, Payload::view(message.payload, message.binary),
                    [self, join_ref = std::string(message.join_ref),
                     ref = std::string(message.ref)](const Verdict& refusal) {
                        self->refreshed(join_ref, ref, refusal);
                    });
}

/// The application has looked at the client's new token.
void SessionCore::refreshed(std::string_view join_ref, std::string_view ref,
                            const Verdict& refusal) {
    extras().refreshing = false;
    if (!refusal) return reply("_chain", join_ref, ref, {Status::ok, expires_in()});
    const Json why{{"reason", refusal->reason.empty() ? "refused" : refusal->reason}};
    const auto text = to_text(why);
    reply("_chain", join_ref, ref, {Status::error, text ? *text : reason_object("refused")});
}

} // namespace chain::detail
