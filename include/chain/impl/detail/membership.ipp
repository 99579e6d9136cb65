// Definitions of <chain/detail/membership.hpp>: what a membership goes through.
#pragma once

#include <chain/detail/channel_core.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/membership_work.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace chain::detail {

Membership::Membership(SessionCore& session, Ref<TopicEntry> topic, std::string_view join_ref)
    : session_(&session), topic_(std::move(topic)), join_ref_(join_ref) {}

Membership::~Membership() = default;

Ref<Membership> Membership::make(SessionCore& session, Ref<TopicEntry> topic,
                                 std::string_view join_ref) {
    static_assert(sizeof(Membership) <= MembershipRoom::size);
    auto* const memory = session.room().take();
    try {
        return Ref<Membership>(::new (memory) Membership(session, std::move(topic), join_ref));
    } catch (...) {
        session.room().give_back(memory);
        throw;
    }
}

void Membership::operator delete(Membership* ended, std::destroying_delete_t) {
    const auto session = std::move(ended->session_); // which has the room
    ended->~Membership();
    session->room().give_back(ended);
}

MembershipWork& Membership::work() {
    if (!work_) work_ = std::make_unique<MembershipWork>(*this);
    return *work_;
}

bool Membership::stale(std::string_view join_ref) const noexcept {
    return !join_ref.empty() && !(join_ref_ == join_ref);
}

bool Membership::suspended() const noexcept {
    return work_ && (work_->suspended || work_->given_up);
}

bool Membership::superseded() const noexcept { return work_ && work_->superseded; }

void Membership::begin_join(const Message& message) {
    Socket self{Ref<Membership>(this)};
    const RequestScope asked(session_->lane(), message.ref);
    session_->lane().begin_joining(*this);
    const auto* callback = topic_->channel().join.match(topic());
    if (callback)
        run(Activity::join, **callback, message, self);
    else
        refuse(reason::unmatched_topic);
}

const std::shared_ptr<Callback>* Membership::handler_of(std::string_view event) const noexcept {
    return topic_->channel().in.find_exact(event);
}

void Membership::begin_event(const Message& message, const std::shared_ptr<Callback>* callback) {
    if (!callback) callback = topic_->channel().in.find_prefix(message.event);
    if (!callback) {
        session_->reply_error(message, reason::unknown_event);
        return;
    }
    auto& lane = session_->lane();
    auto self = lane.take_socket(*this);
    lane.handler().notify([&](Observer& o) { o.event_in(pattern()); });
    {
        const RequestScope asked(lane, message.ref);
        run(Activity::event, **callback, message, self);
    }
    lane.keep_socket(std::move(self));
}

void Membership::end(LeaveReason why, const Message* request) {
    if (status() == SocketStatus::removed || status() == SocketStatus::leaving) return;
    auto& work = this->work();
    if (!work.ending || why == LeaveReason::close) {
        work.ending = why;
        work.superseded |= why == LeaveReason::rejoin;
        work.request = request ? std::optional<StoredMessage>(*request) : std::nullopt;
    }
    if (busy())
        cancel();
    else
        begin_leave();
}

bool Membership::wait(const Message& message) {
    auto& work = this->work();
    auto& handler = session_->lane().handler();
    const auto& limits = handler.config().limits;
    StoredMessage stored(message);
    const bool too_many = work.waiting.size() >= limits.waiting_frames;
    if (too_many || work.waiting_bytes + stored.size() > limits.waiting_bytes) {
        handler.over_limit(too_many ? "waiting_frames" : "waiting_bytes");
        return false;
    }
    work.waiting_bytes += stored.size();
    work.waiting.push_back(std::move(stored));
    return true;
}

void Membership::supersede(const Message& message) {
    const Ref<Membership> self(this);
    if (!wait(message)) {
        session_->reply_error(message, reason::busy);
        return;
    }
    if (std::exchange(work_->superseded, true)) return;
    forget_waiting();
    end(LeaveReason::rejoin, nullptr);
}

/// Drops what waits for this membership, ahead of the newer join, which came last.
void Membership::forget_waiting() {
    auto& work = *work_;
    auto join = std::move(work.waiting.back());
    work.waiting.pop_back();
    work.waiting_bytes = join.size();
    const auto mine = [&](const StoredMessage& stored) {
        return !stored.join_ref.empty() && join_ref_ == stored.join_ref;
    };
    std::erase_if(work.waiting, mine);
    for (const auto& stored : work.waiting) work.waiting_bytes += stored.size();
    work.waiting.push_back(std::move(join));
}

/// Asks the coroutine that runs, if any, to stop.
void Membership::cancel() {
    auto& work = this->work();
    if (!work.suspended || work.patience.armed()) return;
    session_->lane().arm(work.patience,
                         session_->lane().handler().config().timeouts.cancelled_handler);
    const auto signal = work.cancel; // what it stops may go on at once, and drop the work
    signal->emit(net::cancellation_type::terminal);
}

/// The cancelled coroutine does not end: its membership goes on without it.
void Membership::give_up() {
    const Ref<Membership> self(this);
    ++work_->run;
    work_->given_up = true;
    conclude_suspended(Failure::threw, Reply::none());
}

/// The coroutine that ran has completed, or is not waited for any more.
void Membership::conclude_suspended(Failure failure, const Reply& reply) {
    work_->suspended = false;
    const auto ref = std::move(work_->asked);
    char text[24];
    const RequestScope asked(session_->lane(), ref.text(text));
    conclude(failure, reply);
}

/// This membership may end here.
void Membership::conclude(Failure failure, const Reply& reply) {
    const auto activity = std::exchange(activity_, Activity::none);
    if (activity == Activity::join)
        conclude_join(failure, reply);
    else if (activity == Activity::event)
        conclude_event(failure, reply);
    else
        conclude_leave();
    if (work_) proceed();
}

/// Writes what a handler's reply says into `answer`; `text` holds what had to be written.
/// @return false when it is not JSON
inline bool write_reply(const Reply& reply, Message& answer, std::string& text) {
    const auto& payload = ReplyAccess::payload(reply);
    answer.status = reply.status();
    answer.status_name = reply.status_name();
    answer.binary = payload.is_binary();
    answer.payload = reply.is_none() ? "{}" : payload.raw();
    const auto* json = ReplyAccess::json(reply);
    if (!json) return true;
    auto written = to_text(*json);
    if (!written) return false;
    text = std::move(*written);
    answer.payload = text;
    return true;
}

void Membership::conclude_join(Failure failure, const Reply& reply) {
    std::string text;
    auto& said = session_->lane().answer();
    const bool written = write_reply(reply, said, text);
    if (failure == Failure::threw || !written)
        refuse(reason::join_crashed);
    else if (failure == Failure::bad_payload)
        refuse(reason::bad_payload);
    else if (said.status == Status::ok)
        accept(said.payload, said.binary);
    else
        refuse(said.payload, said.binary);
}

void Membership::accept(std::string_view payload, bool binary) {
    status_.store(SocketStatus::joined, std::memory_order_release);
    answer({Status::ok, payload, binary});
    close_replaced();
    release_held();
    session_->lane().join(*this);
    session_->lane().handler().notify([&](Observer& o) { o.joined(pattern()); });
}

void Membership::refuse(std::string_view payload, bool binary) {
    status_.store(SocketStatus::removed, std::memory_order_release);
    session_->lane().drop(*this);
    tell_watchers(false);
    state_.reset();
    extras_.reset();
    answer({Status::error, payload, binary});
    close_replaced();
    if (work_) work_->held.clear();
    session_->lane().handler().notify([&](Observer& o) { o.join_refused(pattern()); });
    session_->remove(*this);
}

void Membership::refuse(std::string_view why) { refuse(reason_object(why), false); }

void Membership::conclude_event(Failure failure, const Reply& reply) {
    const auto token = work_ ? std::exchange(work_->token, nullptr) : nullptr;
    if (failure == Failure::none && reply.is_none()) return;
    const bool taken = token && token->used.exchange(true);
    if (failure == Failure::none && taken) return;
    std::string text;
    auto& said = session_->lane().answer();
    const bool written = write_reply(reply, said, text);
    if (failure == Failure::bad_payload) {
        if (!taken) answer({Status::error, reason_object(reason::bad_payload)});
    } else if (failure == Failure::none && written) {
        answer(said);
    } else {
        if (!taken && session_->serializer().lifecycle().answers_crash)
            answer({Status::error, reason_object("internal error")});
        if (!work().ending) work_->ending = LeaveReason::error;
    }
}

void Membership::begin_leave() {
    Socket self{Ref<Membership>(this)};
    status_.store(SocketStatus::leaving, std::memory_order_release);
    session_->lane().leave(*this);
    tell_watchers(false);
    if (work().ending == LeaveReason::error) send_lifecycle(MessageKind::error);
    const auto* callback = topic_->channel().leave.match(topic());
    if (callback)
        run(Activity::leave, **callback, Message{}, self);
    else
        conclude_leave();
}

void Membership::conclude_leave() {
    const auto why = *work_->ending;
    const auto request = std::exchange(work_->request, std::nullopt);
    work_->ending.reset();
    status_.store(SocketStatus::removed, std::memory_order_release);
    if (!work_->given_up) {
        state_.reset();
        extras_.reset();
    }
    session_->lane().handler().notify([&](Observer& o) { o.left(pattern(), why); });
    const bool closes = session_->serializer().lifecycle().closes_after_leave;
    if (why == LeaveReason::leave) {
        const auto join_ref = closes ? join_ref_.text() : request->join_ref;
        session_->reply(topic(), join_ref, request->ref, {Status::ok, "{}"});
    }
    if (why == LeaveReason::stop || (why == LeaveReason::leave && closes))
        send_lifecycle(MessageKind::close);
    if (why == LeaveReason::rejoin)
        conclude_rejoin(request ? &*request : nullptr);
    else
        session_->remove(*this);
}

/// The old membership has ended for a newer join: `request`, or where that is null one that waits.
void Membership::conclude_rejoin(const StoredMessage* request) {
    const auto* join = request ? request : next_join();
    if (session_->serializer().lifecycle().closes_before_rejoin)
        tell_closed(join ? join->join_ref : std::string_view());
    else
        work_->untold = true;
    session_->remove(*this);
    if (request) route_join(request->view());
}

/// Hands on a newer join; it is for its answer to tell the client of this membership's end, if that
/// was not told before.
void Membership::route_join(const Message& message) {
    if (std::exchange(work_->untold, false))
        session_->rejoin(message, *this);
    else
        session_->route(message);
}

/// The newer join that waits, or null.
const StoredMessage* Membership::next_join() const noexcept {
    const auto is_join = [](const StoredMessage& stored) {
        return stored.kind == MessageKind::join;
    };
    const auto found = std::ranges::find_if(work_->waiting, is_join);
    return found == work_->waiting.end() ? nullptr : &*found;
}

/// Not told when the new one bears the same reference, or where a frame without one would be taken
/// for the new one's: it would close that.
void Membership::tell_closed(std::string_view join_ref) {
    if (join_ref_ == join_ref) return;
    if (join_ref_.empty() && !session_->serializer().lifecycle().closes_nameless) return;
    send_lifecycle(MessageKind::close);
}

void Membership::replaces(Membership& old) { work().replaced = Ref<Membership>(&old); }

void Membership::close_replaced() {
    const auto old = work_ ? std::exchange(work_->replaced, nullptr) : nullptr;
    char join_ref[24];
    if (old) old->tell_closed(join_ref_.text(join_ref));
}

void Membership::stop() {
    if (status() == SocketStatus::removed || status() == SocketStatus::leaving) return;
    const Ref<Membership> self(this);
    auto& work = this->work();
    if (!work.ending) work.ending = LeaveReason::stop;
    proceed();
}

/// Goes on after an activity: ends the membership if that was asked for, else handles what waited.
void Membership::proceed() {
    if (!work_ || busy()) return;
    const Ref<Membership> self(this); // a handler may have moved its socket away
    if (work_->ending && status() == SocketStatus::joined) begin_leave();
    while (!busy() && !work_->intercepted.empty()) {
        const auto next = std::move(work_->intercepted.front());
        work_->intercepted.pop_front();
        work_->held_bytes -= std::min(work_->held_bytes, next->message().payload.size());
        deliver_intercepted(next);
    }
    while (work_ && !busy() &&
           !work_->waiting.empty()) { // what is routed may have gone on by itself to the end
        const auto next = std::move(work_->waiting.front());
        work_->waiting.pop_front();
        work_->waiting_bytes -= next.size();
        if (next.kind == MessageKind::join)
            route_join(next.view());
        else
            session_->route(next.view());
        session_->lane().run_later();
    }
    if (work_ && !busy() && status() == SocketStatus::joined && !work_->ending) work_.reset();
}

void Membership::send_lifecycle(MessageKind kind) {
    char join_ref[24];
    Message message;
    message.kind = kind;
    message.join_ref = join_ref_.text(join_ref);
    message.topic = topic();
    message.payload = "{}";
    session_->send(message);
}

const std::string& Membership::pattern() const noexcept { return topic_->channel().pattern.text(); }

void Membership::abandon() noexcept {
    status_.store(SocketStatus::removed, std::memory_order_release);
    activity_ = Activity::none;
    session_->lane().drop(*this);
    tell_watchers(true);
    if (!suspended()) {
        state_.reset();
        extras_.reset();
    }
    if (!work_) return;
    work_->ending.reset();
    work_->request.reset();
    ++work_->run;
    work_->patience.disarm();
    work_->token.reset();
    work_->waiting.clear();
    work_->held.clear();
    work_->intercepted.clear();
}

} // namespace chain::detail
