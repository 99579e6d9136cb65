// Definitions of <chain/detail/sse_connection.hpp>.
#pragma once

#include <chain/detail/carry.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/sse_connection.hpp>
#include <chain/detail/sse_format.hpp>
#include <chain/detail/unclaimed.hpp>

#include <utility>

namespace chain::detail {

SseConnection::SseConnection(Ref<SessionCore> session, std::chrono::milliseconds keep_alive)
    : StreamConnection(std::move(session)), keep_alive_(keep_alive) {}

void SseConnection::start(std::uint32_t claim, std::chrono::milliseconds retry) {
    const Lane::Scope scope(session().lane());
    if (!attach(claim, retry_line(retry))) return;
    arm(keep_alive_);
    wait_readable();
}

std::size_t SseConnection::write(std::string_view bytes) noexcept {
    wrote_ = session().lane().ticks();
    return StreamConnection::write(bytes);
}

void SseConnection::watch() {
    if (state() == State::closing) {
        shut();
        return;
    }
    const auto quiet = TimerWheel::tick * (session().lane().ticks() - wrote_);
    if (quiet >= keep_alive_) {
        session().send_control(": keep-alive\n\n");
        arm(keep_alive_);
    } else {
        arm(keep_alive_ - quiet);
    }
}

/// The end of the current stream, and of no other, starts the time in which the client may come
/// back.
void SseConnection::lost() { session().lost(*this, close_gone); }

void SseConnection::close(std::uint16_t code, std::string_view, std::string unsent) noexcept {
    if (state() == State::closing || state() == State::closed) return;
    if (code == close_restart)
        unsent += retry_line(session().lane().handler().config().timeouts.restart);
    finish(std::move(unsent));
}

void SseConnection::rest_sent() noexcept { part(); }

void start_sse(std::unique_ptr<ByteStream> stream, const Ref<SessionCore>& session,
               std::uint32_t claim, std::shared_ptr<Unclaimed> unclaimed,
               std::chrono::milliseconds retry, std::chrono::milliseconds keep_alive) {
    auto start = [unclaimed = std::move(unclaimed), claim, retry](SseConnection& connection) {
        unclaimed->session = nullptr;
        connection.start(claim, retry);
    };
    carry<SseConnection>(std::move(stream), session, std::move(start), keep_alive);
}

} // namespace chain::detail
