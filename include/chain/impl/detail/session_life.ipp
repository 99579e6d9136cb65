// Definitions of <chain/detail/session_core.hpp>: connections and the session's end.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/resume_request.hpp>
#include <chain/detail/resume_state.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/session_keeper.hpp>
#include <chain/detail/sse_format.hpp>

#include <utility>

namespace chain::detail {

SessionCore::Extras::Extras(SessionCore& session)
    : shutdown([](TimerNode& timer) { static_cast<Shutdown&>(timer).session->end(1000, {}); }) {
    shutdown.session = &session;
}

error_code SessionCore::attach(std::shared_ptr<Connection> connection, std::uint32_t claim) {
    if (finished_) return make_error_code(Errc::closed);
    if (claim != 0 && !(resume_ && resume_->claims() == claim))
        return make_error_code(Errc::replaced);
    if (!resume_ && connection->framing() != framing_) return make_error_code(Errc::other_framing);
    let_go(close_replaced, "replaced");
    stop_scheduled_shutdown();
    if (resume_) arrive(connection->framing());
    connection_ = std::move(connection);
    writable();
    tell_expiring();
    return {};
}

/// Ends the connection, if there is one.
void SessionCore::let_go(std::uint16_t code, std::string_view why) {
    if (const auto old = std::exchange(connection_, nullptr)) old->close(code, why, take_partial());
}

std::string SessionCore::detach(const Connection& connection) noexcept {
    if (connection_.get() != &connection) return {};
    connection_.reset();
    if (resume_) go_away();
    return take_partial();
}

void SessionCore::lost(const Connection& connection, std::uint16_t code) {
    if (!attached(connection)) return;
    detach(connection);
    if (!resume_) end(code, {});
}

void SessionCore::break_off(std::uint16_t code, std::string_view why) {
    if (!resume_) {
        end(code, why);
        return;
    }
    lane_->batch().deliver(*this);
    let_go(code, why);
    go_away();
}

/// The rest of the frame that the connection has begun, which is lost to any other.
std::string SessionCore::take_partial() {
    const auto before = backlog();
    auto rest = outbox_.take_partial();
    account(before);
    return rest;
}

void SessionCore::writable() {
    if (outbox_.idle()) return;
    Keeper keeper(*this);
    tidy(framing_);
    const auto before = backlog();
    while (connection_ && !outbox_.idle()) {
        const auto taken = connection_->write(outbox_.front());
        if (taken == 0) break;
        outbox_.handed_over(taken, keeper.sink());
    }
    if (resume_ && outbox_.idle()) resume_->caught_up();
    account(before);
}

void SessionCore::send_control(std::string_view framed) {
    lane_->batch().append_framed(*this, framed);
}

/// The slice's events with their ids, which are the session's own: its public epoch, and the
/// frame's number.
const Slice& SessionCore::stamped(const Slice& slice) {
    SseId id(epoch_of(id_), outbox_.next());
    auto& out = lane_->stamps();
    out.make_room(slice.bytes().size() + slice.count() * SseId::max_size);
    for (std::size_t i = 0; i < slice.count(); ++i) {
        const auto& piece = slice.piece(i);
        if (piece.numbered) out.put_bytes(id.next_line());
        out.put_bytes(slice.bytes_of(i));
        out.end_frame(piece.numbered);
        if (const auto* fate = slice.fate(i)) out.may_drop(*fate);
    }
    return out;
}

void SessionCore::transmit(const Slice& shared) {
    if (shared.count() == 0) return;
    const auto& slice = framing_ == Framing::sse ? stamped(shared) : shared;
    const auto bytes = slice.bytes();
    const std::size_t taken = connection_ && outbox_.idle() ? connection_->write(bytes) : 0;
    Keeper keeper(*this);
    if (taken == bytes.size())
        outbox_.handed_over(slice, keeper.sink());
    else
        keep_rest(slice, taken, keeper.sink());
}

void SessionCore::schedule_shutdown(std::chrono::milliseconds after) {
    if (!closed()) lane_->arm(extras().shutdown, after);
}

void SessionCore::stop_scheduled_shutdown() noexcept {
    if (extras_) extras_->shutdown.disarm();
}

void SessionCore::end(std::uint16_t code, std::string_view why) {
    closed_.store(true, std::memory_order_release);
    if (connecting_ || std::exchange(ending_, true)) return;
    const Ref<SessionCore> self(this);
    extras().close_code = code;
    extras_->close_reason = why;
    extras_->shutdown.disarm();
    extras_->expiry.reset();
    if (code == close_slow) drop_whole(); // its leave handlers may take their time
    if (resume_ && ends_session(code)) lane_->handler().away().refuse(id_);
    std::vector<Ref<Membership>> all;
    for (auto* membership = memberships(); membership; membership = membership->next())
        all.emplace_back(membership);
    if (all.empty()) finish();
    for (const auto& membership : all) membership->end(LeaveReason::close, nullptr);
}

std::uint16_t SessionCore::close_code() const noexcept {
    if (!ending_) return close_failed;
    return extras_ ? extras_->close_code : close_gone;
}

std::string_view SessionCore::close_reason() const noexcept {
    return extras_ ? std::string_view(extras_->close_reason) : std::string_view();
}

/// The last leave handler is done: what is pending is sent, and the connection closed.
void SessionCore::finish() {
    if (std::exchange(finished_, true)) return;
    const Ref<SessionCore> self(this);
    lane_->batch().deliver(*this);
    tidy(framing_);
    auto unsent = extras_->close_code == close_slow ? take_partial() : std::string(outbox_.front());
    if (const auto connection = std::exchange(connection_, nullptr)) {
        if (extras_->close_code != close_slow) forget_backlog();
        connection->close(extras_->close_code, extras_->close_reason, std::move(unsent));
    }
    tell_dropped(forget_backlog(),
                 extras_->close_code == close_slow ? Errc::slow_consumer : Errc::closed);
    forget_resuming();
    extras_->peer.reset();
    state_.reset();
    auto& handler = lane_->handler();
    const bool opened = handler.sessions().remove(*this);
    lane_->remove(*this);
    if (opened) handler.ended(*this);
}

void SessionCore::abandon() noexcept {
    if (finished_) return;
    const Ref<SessionCore> self(this);
    closed_.store(true, std::memory_order_release);
    ending_ = finished_ = true;
    if (extras_) {
        extras_->close_code = close_gone;
        extras_->peer.reset();
        extras_->expiry.reset();
        extras_->topics.reset();
    }
    stop_scheduled_shutdown();
    bool suspended = connecting_;
    while (first_) {
        suspended |= first_->suspended();
        first_->abandon();
        first_ = Ref<Membership>(first_->next_ref());
    }
    topics_ = 0;
    lane_->batch().forget(*this);
    auto rest = take_partial();
    forget_backlog();
    forget_resuming();
    if (!suspended) state_.reset();
    if (const auto connection = std::exchange(connection_, nullptr))
        connection->close(close_gone, {}, std::move(rest));
    lane_->handler().sessions().remove(*this);
    lane_->remove(*this);
}

} // namespace chain::detail
