// Definitions of <chain/detail/membership.hpp>: running handlers, and what they send.
#pragma once

#include <chain/detail/channel_core.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/membership_work.hpp>
#include <chain/topic.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

/// @param socket  this membership's, which the handler is given
void Membership::run(Activity activity, Callback& callback, const Message& message,
                     Socket& socket) {
    activity_ = activity;
    const auto why = work_ && work_->ending ? *work_->ending : LeaveReason::leave;
    const auto payload = Payload::view(message.payload, message.binary);
    auto failure = Failure::none;
    auto outcome = call(callback, {socket, payload, message.event, why}, failure);
    if (outcome.running)
        spawn(std::move(*outcome.running));
    else
        conclude(failure, outcome.reply);
}

Outcome Membership::call(Callback& callback, const HandlerArgs& args, Failure& failure) {
    try {
        const HandlerScope scope(session_->lane());
        return callback(args);
    } catch (...) {
        failure = explain(std::current_exception(), hook());
    }
    return {};
}

/// Of what runs.
Hook Membership::hook() const noexcept {
    if (activity_ == Activity::join) return Hook::join;
    return activity_ == Activity::event ? Hook::in : Hook::leave;
}

void Membership::spawn(net::awaitable<Reply> coroutine) {
    auto& work = this->work();
    work.suspended = true;
    work.asked = Reference(session_->lane().asked());
    const auto run = ++work.run;
    work.cancel = std::make_shared<net::cancellation_signal>();
    auto done = [self = Ref<Membership>(this), run, cancel = work.cancel](std::exception_ptr thrown,
                                                                          Reply reply) {
        self->completed(run, std::move(thrown), std::move(reply));
    };
    // Nothing may hold up the membership's end for ever, a leave handler neither.
    auto& lane = session_->lane();
    if (activity_ == Activity::leave)
        lane.arm(work.patience, lane.handler().config().timeouts.cancelled_handler);
    net::co_spawn(lane.executor(), std::move(coroutine),
                  net::bind_cancellation_slot(work.cancel->slot(), std::move(done)));
}

void Membership::completed(std::uint32_t run, std::exception_ptr thrown, Reply reply) {
    const Lane::Scope scope(session_->lane());
    if (!work_ || work_->run != run || !work_->suspended) return;
    work_->patience.disarm();
    const auto failure = thrown ? explain(std::move(thrown), hook()) : Failure::none;
    conclude_suspended(failure, reply);
}

/// What an exception means for the client; the log is told what it was.
Membership::Failure Membership::explain(std::exception_ptr thrown, Hook hook) noexcept {
    auto& handler = session_->lane().handler();
    const bool answered = hook == Hook::join || hook == Hook::in;
    const auto log = [&](std::string_view what) {
        handler.notify([&](Observer& o) { o.handler_threw(pattern(), hook, what); });
    };
    try {
        std::rethrow_exception(std::move(thrown));
    } catch (const BadPayload&) {
        return Failure::bad_payload;
    } catch (const Json::type_error& e) {
        if (!answered) log(e.what());
        return Failure::bad_payload;
    } catch (const Json::out_of_range& e) {
        if (!answered) log(e.what());
        return Failure::bad_payload;
    } catch (const std::exception& e) {
        const bool cancelled = answered && work_ && work_->ending;
        if (!cancelled) log(e.what());
    } catch (...) {
        log("something that is no std::exception");
    }
    return Failure::threw;
}

Membership::Extras& Membership::extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
}

Json& Membership::assigns() { return extras().assigns; }

void Membership::watch(std::shared_ptr<EndWatcher> watcher) {
    auto& all = extras().watchers;
    if (std::ranges::find(all, watcher) == all.end()) all.push_back(std::move(watcher));
}

void Membership::tell_watchers(bool quietly) noexcept {
    if (!extras_) return;
    const HandlerScope scope(session_->lane());
    for (const auto& watcher : std::exchange(extras_->watchers, {})) watcher->ended(*this, quietly);
}

void Membership::answer(const Answer& answer) {
    char join_ref[24];
    session_->reply(topic(), join_ref_.text(join_ref), session_->lane().asked(), answer);
}

/// @param said  the lane's, which says already what is answered
void Membership::answer(Message& said) {
    char join_ref[24];
    said.topic = topic();
    said.join_ref = join_ref_.text(join_ref);
    said.ref = session_->lane().asked();
    session_->send(said);
}

error_code Membership::push(std::string_view event, std::string_view payload, bool binary) {
    if (!valid_event(event)) return make_error_code(Errc::invalid_event);
    if (!session_->lane().handler().sends(payload, binary))
        return make_error_code(Errc::not_an_object);
    if (session_->closed()) return make_error_code(Errc::closed);
    if (session_->choked()) return make_error_code(Errc::slow_consumer);
    if (status() == SocketStatus::joined) {
        send_push(event, payload, binary);
        return {};
    }
    if (status() != SocketStatus::joining) return make_error_code(Errc::not_joined);
    const bool kept = keep({nullptr, false, std::string(event), std::string(payload), binary});
    return kept ? error_code{} : make_error_code(Errc::slow_consumer);
}

error_code Membership::send(std::string_view frame) {
    if (status() != SocketStatus::joined) return make_error_code(Errc::not_joined);
    return session_->send_text(frame);
}

void Membership::send_push(std::string_view event, std::string_view payload, bool binary) {
    char join_ref[24];
    Message message;
    message.join_ref = join_ref_.text(join_ref);
    message.topic = topic();
    message.event = event;
    message.payload = payload;
    message.binary = binary;
    session_->send(message, fate_of(message));
}

SharedFate Membership::fate_of(const Message& message) const {
    return session_->lane().handler().fate_of(topic_->channel().slow, message);
}

/// Keeps something until the join is answered. @return false when too much is kept.
bool Membership::keep(Held held) {
    auto& work = this->work();
    work.held_bytes +=
        held.broadcast ? held.broadcast->message().payload.size() : held.payload.size();
    const Backlog kept{work.held_bytes, work.held.size() + 1};
    if (kept.exceeds(session_->lane().handler().unsent_per_session())) return false;
    work.held.push_back(std::move(held));
    return true;
}

void Membership::hold(Ref<Broadcast> broadcast, bool intercepted) {
    if (!keep({std::move(broadcast), intercepted, {}, {}, false})) session_->overflow();
}

void Membership::release_held() {
    if (!work_) return;
    work_->held_bytes = 0;
    for (const auto& held : std::exchange(work_->held, {})) {
        if (!held.broadcast)
            send_push(held.event, held.payload, held.binary);
        else if (held.intercepted)
            work_->intercepted.push_back(held.broadcast);
        else
            session_->send(held.broadcast->message(), fate_of(held.broadcast->message()));
    }
}

/// Keeps a broadcast for the out handler until what runs has completed.
void Membership::postpone(const Ref<Broadcast>& broadcast) {
    auto& work = this->work();
    work.held_bytes += broadcast->message().payload.size();
    work.intercepted.push_back(broadcast);
    const Backlog kept{work.held_bytes, work.intercepted.size()};
    if (kept.exceeds(session_->lane().handler().unsent_per_session())) session_->overflow();
}

/// Sends what an out handler has made of a broadcast. What waits for a slow client is for the
/// backlog to judge, as with any other broadcast.
void Membership::send_rewritten(std::string_view event, const Json& payload) {
    auto& handler = session_->lane().handler();
    const auto text = to_text(payload);
    auto failed = text ? error_code() : text.error();
    if (text && !handler.sends(*text, false)) failed = make_error_code(Errc::not_an_object);
    if (failed)
        handler.notify([&](Observer& o) { o.frames_dropped(1, failed); });
    else
        send_push(event, *text, false);
}

void Membership::deliver_intercepted(const Ref<Broadcast>& broadcast) {
    if (status() != SocketStatus::joined) return;
    if (busy()) {
        postpone(broadcast);
        return;
    }
    const auto& message = broadcast->message();
    const auto& callback = *topic_->channel().out.match(message.event);
    Socket socket{Ref<Membership>(this)};
    try {
        std::optional<Json> payload;
        {
            const HandlerScope scope(session_->lane());
            payload = (*callback)(socket, Payload::view(message.payload, message.binary).json(),
                                  message.event);
        }
        if (payload) send_rewritten(message.event, *payload);
    } catch (...) {
        if (explain(std::current_exception(), Hook::out) == Failure::threw)
            end(LeaveReason::error, nullptr);
    }
}

std::shared_ptr<PendingReply> Membership::make_token(TokenUse use) {
    if (activity_ != Activity::event) return nullptr;
    auto& work = this->work();
    if (!work.token) {
        work.token = std::make_shared<PendingReply>();
        work.token->membership = this;
        work.token->ref =
            work.suspended ? work.asked.text() : std::string(session_->lane().asked());
        work.token->often = use == TokenUse::often;
    }
    return work.token;
}

error_code Membership::reply_later(std::string_view ref, const Answer& answer) {
    if (session_->closed()) return make_error_code(Errc::closed);
    if (this->status() != SocketStatus::joined) return make_error_code(Errc::not_joined);
    char join_ref[24];
    session_->reply(topic(), join_ref_.text(join_ref), ref, answer);
    return {};
}

} // namespace chain::detail
