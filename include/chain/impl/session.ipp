// Definitions of <chain/session.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/session.hpp>

#include <cassert>
#include <utility>

namespace chain {

Session::Session(detail::Ref<detail::SessionCore> impl) noexcept : impl_(std::move(impl)) {}
Session::Session(const Session&) noexcept = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(const Session&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

std::string Session::id() const { return detail::to_hex(impl_->id()); }

const std::string& Session::endpoint() const noexcept {
    return impl_->lane().handler().config().endpoint;
}

const Json& Session::params() const noexcept { return impl_->params(); }

const Json& Session::options() const noexcept { return impl_->lane().handler().config().options; }

bool Session::closed() const noexcept { return impl_->closed(); }

std::optional<Socket> Session::socket(std::string_view topic) const {
    auto* membership = impl_->find(topic);
    if (!membership) return std::nullopt;
    return Socket(detail::Ref<detail::Membership>(membership));
}

detail::StateSlot& Session::slot() noexcept {
    assert(impl_->lane().here() && "chain: state is for the session's executor");
    return impl_->state();
}

const Json& Session::get(std::string_view key) const noexcept {
    assert(impl_->lane().here() && "chain: get is for the session's executor");
    return detail::value_at(impl_->find_assigns(), key);
}

void Session::set(std::string_view key, Json value) {
    assert(impl_->lane().here() && "chain: set is for the session's executor");
    impl_->assigns()[std::string(key)] = std::move(value);
}

void Session::name(std::string name) {
    assert(impl_->lane().here() && "chain: name is for the session's executor");
    if (!impl_->closed()) impl_->lane().name(*impl_, std::move(name));
}

const std::string& Session::name() const noexcept {
    assert(impl_->lane().here() && "chain: name is for the session's executor");
    return impl_->name();
}

void Session::expires_at(std::optional<std::chrono::system_clock::time_point> at) {
    assert(impl_->lane().here() && "chain: expires_at is for the session's executor");
    impl_->expires_at(at);
}

std::optional<std::chrono::system_clock::time_point> Session::expires_at() const {
    assert(impl_->lane().here() && "chain: expires_at is for the session's executor");
    return impl_->expires_at();
}

error_code Session::push(std::string_view frame) {
    if (closed()) return make_error_code(Errc::closed);
    auto& lane = impl_->lane();
    if (lane.here()) {
        const detail::Lane::Scope scope(lane);
        return impl_->send_text(frame);
    }
    const bool posted = lane.post(
        detail::Errand{detail::Errand::Kind::frame, impl_, nullptr, {}, std::string(frame)});
    return posted ? error_code{} : make_error_code(Errc::closed);
}

error_code Session::dispatch(std::string_view frame, bool binary) {
    if (closed()) return make_error_code(Errc::closed);
    auto& lane = impl_->lane();
    if (lane.here() && !lane.in_handler()) {
        const detail::Lane::Scope scope(lane);
        const auto kept = impl_; // this handle may go meanwhile
        return kept->receive(frame, binary);
    }
    auto task = [impl = impl_, text = std::string(frame), binary] { impl->receive(text, binary); };
    return detail::on_lane(impl_->lane(), std::move(task)) ? error_code{}
                                                           : make_error_code(Errc::closed);
}

error_code Session::attach(std::shared_ptr<Connection> connection) {
    if (closed()) return make_error_code(Errc::closed);
    const detail::Lane::Scope scope(impl_->lane());
    return impl_->attach(std::move(connection));
}

void Session::detach(const Connection& connection) noexcept {
    const detail::Lane::Scope scope(impl_->lane());
    impl_->detach(connection);
}

void Session::writable() {
    const detail::Lane::Scope scope(impl_->lane());
    impl_->writable();
}

void Session::schedule_shutdown(std::chrono::milliseconds after) {
    detail::on_lane(impl_->lane(), [impl = impl_, after] { impl->schedule_shutdown(after); });
}

void Session::stop_scheduled_shutdown() {
    detail::on_lane(impl_->lane(), [impl = impl_] { impl->stop_scheduled_shutdown(); });
}

void Session::close(std::uint16_t code, std::string_view reason) {
    detail::on_lane(impl_->lane(),
                    [impl = impl_, code, why = std::string(reason)] { impl->end(code, why); });
}

} // namespace chain
