// Definitions of <chain/detail/session_core.hpp>: how a session outlives its connections.
#pragma once

#include <chain/detail/drain_plan.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/resume_request.hpp>
#include <chain/detail/resume_state.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/session_keeper.hpp>
#include <chain/detail/sse_format.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

/// Does a message count among the frames that its client numbers?
bool counted(const Message& message) noexcept {
    return message.kind != MessageKind::ack && !is_protocol_topic(message.topic);
}

void SessionCore::make_resumable(bool announced, NotResumed reason) {
    resume_ = std::make_unique<ResumeState>(*this);
    resume_->announced = announced;
    resume_->reason = reason;
    resume_->carrier = framing_;
}

// -------------------------------------------------------------------------------------------------
// What is kept

void SessionCore::account_kept(std::size_t before) noexcept {
    auto& handler = lane_->handler();
    auto& kept = resume_->kept;
    const auto& limits = handler.config().limits;
    kept.limit(limits.kept_bytes_per_session, limits.kept_frames_per_session);
    const auto total = handler.kept() += kept.bytes() - before;
    if (total > limits.kept_bytes && kept.bytes() > before) {
        const auto more = kept.bytes();
        kept.limit(more - std::min(more, total - limits.kept_bytes), kept.size());
        handler.kept() -= more - kept.bytes();
    }
    if (!kept.empty() && !resume_->age_timer.armed())
        lane_->arm(resume_->age_timer, handler.config().timeouts.kept_frames);
}

void SessionCore::confirm(std::uint32_t count) noexcept {
    const auto before = resume_->kept.bytes();
    resume_->kept.confirm(count);
    account_kept(before);
}

void SessionCore::forget_old() {
    auto& resume = *resume_;
    const auto now = lane_->ticks();
    const auto& kept_for = lane_->handler().config().timeouts.kept_frames;
    const auto age =
        static_cast<std::uint32_t>(std::min(kept_for, TimerWheel::longest) / TimerWheel::tick);
    const auto before = resume.kept.bytes();
    // What a client that is coming back was promised is kept until it is there.
    if (!resume.replay_after) resume.kept.expire(now, age);
    if (!resume.kept.empty()) {
        const auto left =
            std::max<std::uint32_t>(age - std::min(age, now - resume.kept.oldest()), 1);
        lane_->arm(resume.age_timer, TimerWheel::tick * left);
    }
    account_kept(before);
}

void SessionCore::forget_resuming() noexcept {
    if (!resume_) return;
    come_back();
    lane_->handler().kept() -= resume_->kept.bytes();
    resume_.reset();
}

// -------------------------------------------------------------------------------------------------
// What the client sends

void SessionCore::count(const Message& message) {
    auto& resume = *resume_;
    resume.heard();
    if (!counted(message)) return;
    const auto owed = resume.take();
    if (!resume.announced || framing_ == Framing::sse) return;
    const auto& config = lane_->handler().config();
    if (owed >= config.limits.frames_per_ack)
        send_ack();
    else if (!resume.ack_timer.armed())
        lane_->arm(resume.ack_timer, config.timeouts.ack);
}

void SessionCore::send_ack() {
    auto& resume = *resume_;
    resume.ack_timer.disarm();
    if (!connection_ || !resume.owes_ack() || framing_ == Framing::sse) return;
    Message ack;
    ack.kind = MessageKind::ack;
    ack.count = resume.acknowledge();
    auto& text = lane_->scratch();
    const bool binary = serializer_->encode(ack, text);
    lane_->batch().append(*this, text, binary, false);
}

int SessionCore::take_post(const ResumeRequest& post, std::span<const std::string_view> frames,
                           std::uint32_t& received) {
    if (closed() || !resume_ || resume_->carrier != Framing::sse) return 410;
    if (post.shown && !(post.token && resume_->current(post.token->secret))) return 410;
    resume_->heard();
    if (post.received) confirm(*post.received);
    received = resume_->received();
    const auto skipped = post.seq ? static_cast<std::int32_t>(received - *post.seq) : 0;
    if (skipped < 0) return 409;
    auto left = skipped;
    for (const auto frame : frames) {
        if (left > 0 && counts(frame)) {
            --left;
        } else if (receive(frame, false)) {
            return 410;
        }
        if (resume_) received = resume_->received();
    }
    return 200;
}

/// Does a client's frame count?
bool SessionCore::counts(std::string_view frame) {
    auto& message = lane_->inbound();
    const auto depth = lane_->handler().config().limits.json_depth;
    return !serializer_->decode(frame, false, depth, message) && counted(message);
}

// -------------------------------------------------------------------------------------------------
// Connections

void SessionCore::go_away() {
    if (!resume_ || resume_->away != 0 || ending_ || finished_) return;
    auto& handler = lane_->handler();
    const auto [place, oldest] = handler.away().add(id_, handler.config().limits.away_sessions);
    resume_->away = place;
    schedule_shutdown(handler.config().timeouts.resume_window);
    if (!oldest) return;
    handler.over_limit("away_sessions");
    if (auto session = handler.sessions().find(*oldest))
        Session(std::move(session)).close(close_gone, "too many are away");
}

void SessionCore::come_back() noexcept {
    if (const auto place = std::exchange(resume_->away, 0)) lane_->handler().away().remove(place);
}

SessionCore::Claimed SessionCore::claim(const ResumeRequest& wish, Framing framing,
                                        const Request& request) {
    if (closed()) return {.reason = NotResumed::expired};
    if (!resume_ || (!wish.known && !resume_->accepts(wish.token->secret)))
        return {.reason = NotResumed::unknown};
    if (!wish.known && !resume_->newer(wish.attempt)) return {.late = true};
    let_go(close_replaced, "replaced");
    const auto reason = why_not_resumed(wish, request);
    if (reason != NotResumed::none) {
        end(1000, {});
        return {.reason = reason};
    }
    if (wish.received) confirm(*wish.received);
    resume_->replay_after = wish.received;
    resume_->resumed = resume_->greets = true;
    resume_->carrier = framing;
    const auto& shown = wish.known ? resume_->secret() : wish.token->secret;
    const auto number = resume_->claim(shown, wish.attempt);
    come_back();
    go_away();
    return {.number = number};
}

NotResumed SessionCore::why_not_resumed(const ResumeRequest& wish, const Request& request) {
    const bool gap = wish.received && !resume_->kept.reaches(*wish.received);
    if (gap && (resume_->announced || !wish.known)) return NotResumed::gap;
    const bool welcome = lane_->handler().may_resume(*this, request);
    return welcome && !closed() ? NotResumed::none : NotResumed::refused;
}

/// A connection is coming: what it is sent first is put in front of what waits.
void SessionCore::arrive(Framing framing) {
    auto& resume = *resume_;
    come_back();
    const auto old = framing_;
    if (framing != old) change_framing(framing);
    tidy(old);
    const auto before = backlog();
    Slice first;
    greet(first);
    if (const auto after = std::exchange(resume.replay_after, std::nullopt))
        resume.kept.after(*after, [&](std::uint32_t number, const FrameText& frame) {
            append_event(first, frame, number, false);
        });
    resume.replaying = first.bytes().size();
    auto number = outbox_.sent();
    outbox_.waiting([&](std::string_view framed, const SharedFate& fate) {
        append_event(first, unframed(old, framed), ++number, true, &fate);
    });
    outbox_.clear();
    if (first.count() > 0) outbox_.keep(first, 0, nullptr);
    account(before);
    resume.carrier = framing;
}

/// Appends a frame as the connection wants it, with its number where that has a place.
void SessionCore::append_event(Slice& out, FrameText frame, std::uint32_t number, bool numbered,
                               const SharedFate* fate) const {
    std::vector<char> storage;
    if (framing_ != Framing::websocket_deflate) frame = inflated(frame, storage);
    std::string framed;
    if (framing_ == Framing::sse) framed = SseId(epoch_of(id_), number).next_line();
    append_frame(framed, framing_, frame);
    out.append_framed(framed, numbered);
    if (fate && *fate) out.may_drop(*fate);
}

void SessionCore::dismiss(std::chrono::milliseconds delay) {
    const auto hint = retry_after(delay);
    if (!resume_) return end(close_restart, hint);
    if (!connection_ || ending_) return;
    const Ref<SessionCore> self(this);
    if (resume_->announced && framing_ == Framing::sse) tell_restart(hint);
    lane_->batch().deliver(*this);
    if (!connection_ || ending_) return; // it reads too slowly
    tidy(framing_);
    std::string rest(outbox_.front());
    if (!rest.empty()) {
        Keeper keeper(*this);
        const auto before = backlog();
        outbox_.handed_over(rest.size(), keeper.sink());
        account(before);
    }
    resume_->caught_up();
    std::exchange(connection_, nullptr)->close(close_restart, hint, std::move(rest));
    go_away();
}

/// Tells a client over SSE, which cannot read how its stream is closed, when to come back.
void SessionCore::tell_restart(std::string_view delay) {
    Message message;
    message.topic = "_chain";
    message.event = "_restart";
    message.payload = delay;
    auto& text = lane_->scratch();
    const bool binary = serializer_->encode(message, text);
    lane_->batch().append(*this, text, binary, false);
}

/// The session's memberships get other bytes from now on.
void SessionCore::change_framing(Framing framing) {
    lane_->batch().deliver(*this); // to the outbox, as there is no connection
    framing_ = framing;
    lane_->handler().pubsub().uses(*serializer_, framing);
    for (auto* membership = memberships(); membership; membership = membership->next())
        if (membership->group()) lane_->regroup(*membership);
}

/// Tells the client which session it has.
void SessionCore::greet(Slice& out) {
    auto& resume = *resume_;
    const bool resumed = std::exchange(resume.resumed, false);
    const auto reason = std::exchange(resume.reason, NotResumed::none);
    if (!std::exchange(resume.greets, false) || !resume.announced) return;
    auto& handler = lane_->handler();
    const ResumeToken token{handler.instance(), id_, resume.secret()};
    auto payload = R"({"token":")" + token.text() + R"(","resumed":)";
    if (resumed) {
        payload += R"(true,"received":)" + std::to_string(resume.acknowledge());
    } else {
        payload += "false,";
        if (reason != NotResumed::none)
            payload.append(R"("reason":")").append(to_string(reason)).append(R"(",)");
        payload +=
            R"("window_ms":)" + std::to_string(handler.config().timeouts.resume_window.count());
    }
    payload += '}';
    Message message;
    message.topic = "_chain";
    message.event = "_session";
    message.payload = payload;
    auto& text = lane_->scratch();
    const bool binary = serializer_->encode(message, text);
    out.append(framing_, {text, binary}, false);
}

} // namespace chain::detail
