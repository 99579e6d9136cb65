// Definitions of <chain/detail/poll_connection.hpp>.
#pragma once

#include <chain/detail/dialect.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/poll_connection.hpp>
#include <chain/detail/poll_table.hpp>
#include <chain/detail/session_core.hpp>

#include <utility>

namespace chain::detail {

PollConnection::PollConnection(Ref<SessionCore> session, const LongPollConfig& config,
                               std::shared_ptr<PollTable> table)
    : session_(std::move(session)), window_(config.window), answer_bytes_(config.answer_bytes),
      table_(std::move(table)), answers_(make_poll_token(session_->lane().handler().instance())),
      watch_([](TimerNode& timer) { static_cast<Watch&>(timer).connection->watch(); }) {
    watch_.connection = this;
}

PollConnection::~PollConnection() = default;

Lane& PollConnection::lane() const noexcept { return session_->lane(); }

std::string PollConnection::start() {
    const Lane::Scope scope(lane());
    table_->add(answers_.token(), weak_from_this());
    if (session_->attach(shared_from_this()))
        close(session_->close_code(), session_->close_reason(), {});
    else
        arm(window_ * 3 / 2);
    return answers_.empty_body(410);
}

void PollConnection::poll(std::uint32_t seen, PollReply reply) {
    const Lane::Scope scope(lane());
    const auto next = closed_ ? PollAnswers::Next::lost : answers_.polled(seen);
    if (next == PollAnswers::Next::lost) return reply(std::nullopt);
    if (waiting_) answer(answers_.empty_body(204));
    waiting_ = std::move(reply);
    if (next == PollAnswers::Next::again) return answer(answers_.body());
    arm(window_);
    lane().batch().deliver(*session_); // what this turn has brought goes along
    session_->writable();
}

PostTaken PollConnection::take(const PostedFrames& posted) {
    const Lane::Scope scope(lane());
    if (session_->closed()) return {410};
    for (const auto& frame : posted.frames) {
        if (posted.given_up || session_->closed()) return {408};
        auto& handler = lane().handler();
        if (frame.text.size() > handler.config().limits.message_bytes) {
            handler.over_limit("message_bytes");
            return refuse(413, {1009, "too long"});
        }
        const auto failed = session_->receive(frame.text, frame.binary);
        if (const auto rule = broken_rule(failed)) return refuse(400, *rule);
    }
    return {200};
}

/// The client broke the rules. By those of the chain protocol a session outlives a POST that does;
/// one that speaks Phoenix's ends, as it does there.
PostTaken PollConnection::refuse(int status, const BrokenRule& rule) {
    if (is_phoenix(session_->serializer())) session_->end(rule.code, rule.why);
    return {status, rule.why};
}

/// A poll has waited for a whole window, or none has come for too long.
void PollConnection::watch() {
    if (waiting_)
        answer(answers_.empty_body(204));
    else
        session_->end(1001, "not polled any more");
}

void PollConnection::arm(std::chrono::milliseconds after) {
    if (!closed_) lane().arm(watch_, after);
}

void PollConnection::answer(std::string body) {
    arm(window_ * 3 / 2);
    std::exchange(waiting_, nullptr)(std::move(body));
}

std::size_t PollConnection::write(std::string_view bytes) noexcept {
    if (!waiting_) return 0;
    const auto size = answer_size(bytes, answer_bytes_);
    answers_.add(bytes.substr(0, size));
    answer(answers_.body());
    return size;
}

void PollConnection::close(std::uint16_t, std::string_view, std::string unsent) noexcept {
    closed_ = true;
    watch_.disarm();
    if (!unsent.empty()) unsent.erase(0, write(unsent));
    if (waiting_) answer(answers_.empty_body(204));
    auto& handler = lane().handler();
    const auto keep = window_ * 3 / 2;
    const auto lost = table_->end(answers_, std::move(unsent), handler.clock().now(), keep,
                                  handler.config().limits.unsent_bytes);
    if (lost > 0)
        handler.notify(
            [&](Observer& o) { o.frames_dropped(lost, make_error_code(Errc::slow_consumer)); });
    if (lane().closed() || table_->waiting() == 0) return;
    lane().after(keep, [table = table_, &handler] { table->sweep(handler.clock().now()); });
}

} // namespace chain::detail
