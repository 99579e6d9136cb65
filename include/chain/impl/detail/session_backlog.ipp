// Definitions of <chain/detail/session_core.hpp>: what waits for a client that reads too slowly.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/relief.hpp>
#include <chain/detail/resume_state.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/session_keeper.hpp>
#include <chain/detail/sse_format.hpp>

#include <utility>

namespace chain::detail {

inline constexpr std::string_view slow_text = "the client reads too slowly";

/// Writes frames for a session whose connection has this framing.
class SessionCore::Writer final : public FrameWriter {
  public:
    Writer(SessionCore& session, Framing framing) : session_(session), framing_(framing) {}

    void gap(std::string& out, const std::string& topic, std::uint32_t count,
             std::uint32_t number) override {
        const auto* membership = session_.find(topic);
        if (!membership || membership->status() != SocketStatus::joined) return;
        const auto payload = R"({"dropped":)" + std::to_string(count) + "}";
        char join_ref[24];
        Message message;
        message.join_ref = membership->join_ref().text(join_ref);
        message.topic = topic;
        message.event = "_gap";
        message.payload = payload;
        std::string text;
        const bool binary = session_.serializer().encode(message, text);
        append_id(out, number);
        append_frame(out, framing_, {text, binary});
    }
    void again(std::string& out, std::string_view framed, std::uint32_t number) override {
        append_id(out, number);
        if (framing_ == Framing::sse) framed.remove_prefix(framed.find('\n') + 1); // the old id
        out += framed;
    }

  private:
    void append_id(std::string& out, std::uint32_t number) const {
        if (framing_ == Framing::sse) out += SseId(epoch_of(session_.id()), number).next_line();
    }

    SessionCore& session_;
    Framing framing_;
};

Backlog SessionCore::backlog() const noexcept {
    return {outbox_.unsent(), outbox_.waiting_frames()};
}

void SessionCore::account(const Backlog& before) noexcept {
    auto& handler = lane_->handler();
    const auto [bytes, frames] = backlog();
    handler.unsent() += bytes - before.bytes;
    handler.unsent_frames() += frames - before.frames;
}

void SessionCore::tidy(Framing framing) {
    const auto before = backlog();
    Writer writer(*this, framing);
    outbox_.tidy(writer);
    account(before);
}

/// Keeps what the connection did not take of a slice.
void SessionCore::keep_rest(const Slice& slice, std::size_t taken, FrameSink* sink) {
    const auto before = backlog();
    tell_dropped(outbox_.keep(slice, taken, sink), Errc::conflated);
    tell_dropped(outbox_.shed(most_unsent()), Errc::oldest_dropped);
    account(before);
    auto& handler = lane_->handler();
    if (handler.crowded(7)) handler.relieve();
    if (choked()) lane_->later([self = Ref<SessionCore>(this)] { self->fall_behind(); });
}

/// What may wait for it.
Backlog SessionCore::most_unsent() const noexcept {
    auto most = lane_->handler().unsent_per_session();
    if (resume_) {
        most.bytes += resume_->replaying + resume_->excused.bytes;
        most.frames += resume_->excused.frames;
    }
    return most;
}

bool SessionCore::over() const noexcept { return backlog().exceeds(most_unsent()); }

bool SessionCore::choked() const noexcept {
    return !outbox_.idle() && (over() || lane_->handler().crowded(8));
}

/// More waits than may. A client that can resume gets a second chance: what waits is kept for it,
/// and until it has caught up it may fall behind once more as far.
void SessionCore::fall_behind() {
    if (ending_ || finished_) return;
    if (!over()) {
        if (lane_->handler().crowded(8)) Relief::in(*lane_);
    } else if (resume_ && connection_ && resume_->excused.frames == 0) {
        break_off(close_slow, slow_text);
        if (resume_) resume_->excused = backlog();
    } else {
        end(close_slow, slow_text);
    }
}

void SessionCore::overflow() {
    lane_->later([self = Ref<SessionCore>(this)] { self->end(close_slow, slow_text); });
}

void SessionCore::relieve() {
    if (ending_ || finished_) return;
    const auto before = backlog();
    tell_dropped(outbox_.shed({}), Errc::oldest_dropped);
    account(before);
    if (outbox_.unsent() > before.bytes / 2) end(close_slow, slow_text);
}

/// Its client reads too slowly: it gets no more than the rest of the frame that it has begun.
void SessionCore::drop_whole() {
    const auto before = backlog();
    const auto count = outbox_.forget_whole();
    account(before);
    tell_dropped(count, Errc::slow_consumer);
}

std::size_t SessionCore::forget_backlog() noexcept {
    const auto before = backlog();
    const auto count = outbox_.clear();
    account(before);
    return count;
}

void SessionCore::tell_dropped(std::size_t frames, Errc why) noexcept {
    if (frames == 0) return;
    lane_->handler().notify([&](Observer& o) { o.frames_dropped(frames, make_error_code(why)); });
}

} // namespace chain::detail
