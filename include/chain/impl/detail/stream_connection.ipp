// Definitions of <chain/detail/stream_connection.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/stream_connection.hpp>

#include <utility>

namespace chain::detail {

StreamConnection::StreamConnection(Ref<SessionCore> session)
    : session_(std::move(session)),
      watch_([](TimerNode& timer) { static_cast<Watch&>(timer).connection->watch(); }) {
    watch_.connection = this;
}

StreamConnection::~StreamConnection() = default;

bool StreamConnection::attach(std::uint32_t claim, std::string_view first) {
    set_up();
    heard_ = session_->lane().ticks();
    send(first); // A stream that has just answered a request has room for it.
    const auto failed = session_->attach(shared_from_this(), claim);
    if (!failed) return true;
    if (failed == Errc::replaced)
        close(close_replaced, "replaced", {});
    else
        close(session_->close_code(), session_->close_reason(), {});
    wait_readable();
    return false;
}

void StreamConnection::came(std::span<char> bytes) {
    heard_ = session_->lane().ticks();
    if (state_ != State::failing) take(bytes);
}

void StreamConnection::broken() {
    const auto self = shared_from_this();
    shut();
    lost();
}

std::size_t StreamConnection::write(std::string_view bytes) noexcept {
    const auto sent = send(bytes);
    if (sent < bytes.size()) wait_writable();
    return sent;
}

void StreamConnection::writable(bool failed) {
    if (failed || state_ == State::closed) return;
    const Lane::Scope scope(session_->lane());
    if (state_ == State::closing)
        send_rest();
    else
        session_->writable();
}

void StreamConnection::finish(std::string rest) noexcept {
    state_ = State::closing;
    if (session_->lane().closed()) {
        send(rest);
        shut();
        return;
    }
    rest_ = std::make_unique<std::string>(std::move(rest));
    arm(session_->lane().handler().config().timeouts.close);
    send_rest();
}

void StreamConnection::send_rest() noexcept {
    if (!rest_) return;
    rest_->erase(0, send(*rest_));
    if (!rest_->empty() || sending()) {
        wait_writable();
        return;
    }
    rest_.reset();
    rest_sent();
}

std::chrono::milliseconds StreamConnection::silent() const noexcept {
    return TimerWheel::tick * (session_->lane().ticks() - heard_);
}

void StreamConnection::arm(std::chrono::milliseconds after) { session_->lane().arm(watch_, after); }

void StreamConnection::shut() noexcept {
    state_ = State::closed;
    watch_.disarm();
    close_stream();
}

} // namespace chain::detail
