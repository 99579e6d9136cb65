// Definitions of <chain/socket.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/membership_work.hpp>
#include <chain/session.hpp>
#include <chain/socket.hpp>

#include <cassert>
#include <utility>

namespace chain {

Socket::Socket(detail::Ref<detail::Membership> impl) noexcept : impl_(std::move(impl)) {}
Socket::Socket(const Socket&) noexcept = default;
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(const Socket&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

std::string Socket::id() const { return detail::to_hex(impl_->session().id()); }

const std::string& Socket::topic() const noexcept { return impl_->topic(); }

const std::string& Socket::endpoint() const noexcept {
    return impl_->session().lane().handler().config().endpoint;
}

const Json& Socket::params() const noexcept { return impl_->session().params(); }

Session Socket::session() const noexcept {
    return Session(detail::Ref<detail::SessionCore>(&impl_->session()));
}

SocketStatus Socket::status() const noexcept { return impl_->status(); }

detail::StateSlot& Socket::slot() noexcept {
    assert(impl_->session().lane().here() && "chain: state is for the session's executor");
    return impl_->state();
}

const Json& Socket::get(std::string_view key) const noexcept {
    assert(impl_->session().lane().here() && "chain: get is for the session's executor");
    return detail::value_at(impl_->find_assigns(), key);
}

void Socket::set(std::string_view key, Json value) {
    assert(impl_->session().lane().here() && "chain: set is for the session's executor");
    impl_->assigns()[std::string(key)] = std::move(value);
}

error_code Socket::push(std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? push_payload(event, *written) : written.error();
}

error_code Socket::push_payload(std::string_view event, const Payload& payload) {
    auto& lane = impl_->session().lane();
    if (lane.here()) {
        const detail::Lane::Scope scope(lane);
        return impl_->push(event, payload.raw(), payload.is_binary());
    }
    if (!valid_event(event)) return make_error_code(Errc::invalid_event);
    if (!lane.handler().sends(payload.raw(), payload.is_binary()))
        return make_error_code(Errc::not_an_object);
    if (status() > SocketStatus::joined) return make_error_code(Errc::not_joined);
    const bool posted =
        lane.post(detail::Errand{detail::Errand::Kind::push, nullptr, impl_, std::string(event),
                                 std::string(payload.raw()), Status::ok, payload.is_binary()});
    return posted ? error_code{} : make_error_code(Errc::closed);
}

error_code Socket::send(std::string_view frame) {
    auto& lane = impl_->session().lane();
    if (lane.here()) {
        const detail::Lane::Scope scope(lane);
        return impl_->send(frame);
    }
    if (status() != SocketStatus::joined) return make_error_code(Errc::not_joined);
    const bool posted = lane.post(
        detail::Errand{detail::Errand::Kind::frame, nullptr, impl_, {}, std::string(frame)});
    return posted ? error_code{} : make_error_code(Errc::closed);
}

error_code Socket::broadcast(std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? broadcast_payload(event, *written, false) : written.error();
}

error_code Socket::broadcast_from(std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? broadcast_payload(event, *written, true) : written.error();
}

error_code Socket::broadcast_payload(std::string_view event, const Payload& payload,
                                     bool except_this) {
    if (status() == SocketStatus::removed) return make_error_code(Errc::not_joined);
    auto& lane = impl_->session().lane();
    Message message;
    message.kind = MessageKind::broadcast;
    message.topic = topic();
    message.event = event;
    message.payload = payload.raw();
    message.binary = payload.is_binary();
    detail::Origin origin{nullptr, nullptr, except_this ? impl_.get() : nullptr};
    if (!lane.here()) return lane.handler().pubsub().broadcast(message, origin, true);
    const detail::Lane::Scope scope(lane);
    origin.lane = &lane;
    if (status() == SocketStatus::joined) origin.entry = &impl_->entry();
    return lane.handler().pubsub().broadcast(message, origin, true);
}

error_code Socket::leave() {
    if (status() > SocketStatus::joined) return make_error_code(Errc::not_joined);
    auto& lane = impl_->session().lane();
    auto stop = [impl = impl_] { impl->stop(); };
    if (lane.here() && impl_->busy()) {
        stop();
        return {};
    }
    return detail::on_lane(lane, std::move(stop)) ? error_code{} : make_error_code(Errc::closed);
}

ReplyToken Socket::reply_token(TokenUse use) {
    assert(impl_->session().lane().here() && "chain: reply_token is for the session's executor");
    return ReplyToken(impl_->make_token(use));
}

ReplyToken::ReplyToken(std::shared_ptr<detail::PendingReply> pending) noexcept
    : pending_(std::move(pending)) {}

error_code ReplyToken::reply(const Reply& answer) const {
    if (!pending_) return make_error_code(Errc::no_request);
    const auto payload = answer.payload();
    if (!payload) return payload.error();
    if (pending_->used.exchange(true) && !pending_->often)
        return make_error_code(Errc::already_replied);
    if (answer.is_none()) return {};
    const auto& membership = pending_->membership;
    auto& lane = membership->session().lane();
    if (lane.here()) {
        const detail::Lane::Scope scope(lane);
        return membership->reply_later(pending_->ref, {answer.status(), payload->raw(),
                                                       payload->is_binary(), answer.status_name()});
    }
    if (membership->status() != SocketStatus::joined) return make_error_code(Errc::not_joined);
    const bool posted = lane.post(detail::Errand{
        detail::Errand::Kind::reply, nullptr, membership, pending_->ref,
        std::string(payload->raw()), answer.status(), payload->is_binary(), answer.status_name()});
    return posted ? error_code{} : make_error_code(Errc::closed);
}

} // namespace chain
