// Definitions of <chain/detail/ws_connection.hpp>.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/ws_connection.hpp>

#include <utility>

namespace chain::detail {

WsConnection::WsConnection(Ref<SessionCore> session, Framing framing)
    : StreamConnection(std::move(session)),
      decoder_(this->session().lane().handler().config().limits.message_bytes,
               framing == Framing::websocket_deflate),
      framing_(framing) {}

void WsConnection::start(std::uint32_t claim, std::string received) {
    const Lane::Scope scope(session().lane());
    if (!attach(claim)) return;
    arm(session().lane().handler().config().timeouts.idle / 2);
    if (!received.empty()) take(received);
    wait_readable();
}

void WsConnection::take(std::span<char> bytes) {
    while (!deaf_ && (state() == State::open || state() == State::closing)) {
        const auto event = decoder_.next(bytes);
        if (event.kind == WsEvent::Kind::need_more) return;
        handle(event);
        if (event.kind == WsEvent::Kind::close) return;
    }
}

void WsConnection::handle(const WsEvent& event) {
    switch (event.kind) {
    case WsEvent::Kind::message:
        if (state() == State::open) message(event);
        break;
    case WsEvent::Kind::ping:
        if (state() == State::open) {
            char header[ws_max_header];
            std::string pong(header, write_ws_header(header, WsOpcode::pong, event.payload.size()));
            session().send_control(pong.append(event.payload));
        }
        break;
    case WsEvent::Kind::close: peer_closed(event.code); break;
    case WsEvent::Kind::failure:
        deaf_ = true;
        count(event.code);
        fail(event.code, event.payload);
        break;
    default: break;
    }
}

void WsConnection::message(const WsEvent& event) {
    const auto failed = session().receive(event.payload, event.binary);
    if (!failed) return;
    if (const auto rule = broken_rule(failed)) fail(rule->code, rule->why);
}

/// Tells the observer of bytes that are no message.
void WsConnection::count(std::uint16_t code) noexcept {
    auto& handler = session().lane().handler();
    if (code == 1009) return handler.over_limit("message_bytes");
    const auto why = code == 1007 ? Errc::not_json : Errc::malformed_frame;
    handler.bad_frame(make_error_code(why));
}

/// The client broke the rules: the session ends, and with it, by way of `close`, the connection.
void WsConnection::fail(std::uint16_t code, std::string_view why) {
    if (state() == State::closing) return;
    state(State::failing);
    session().end(code, why);
}

void WsConnection::peer_closed(std::uint16_t code) {
    peer_done_ = true;
    if (state() == State::closing) {
        if (!finishing()) part();
        return;
    }
    const auto self = shared_from_this();
    const Ref<SessionCore> kept(&session());
    session().lane().batch().deliver(session());
    auto unsent = session().detach(*this);
    // Who says farewell does not come back.
    if (!session().resumable() || code <= close_gone || ends_session(code))
        session().end(ends_session(code) ? code : 1000, {});
    close(code, {}, std::move(unsent));
}

void WsConnection::close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept {
    if (state() == State::closing || state() == State::closed) return;
    finish(std::move(unsent) + ws_close_frame(code, reason));
}

/// The close frame is sent: the socket is shut once the client's has come. After a failure none can
/// be told from what else comes: then only this side is shut, as the client, still sending, would
/// lose the close frame to a reset.
void WsConnection::rest_sent() noexcept {
    if (peer_done_)
        part();
    else if (deaf_)
        shut_sending();
}

/// Fires after half of the idle time, and when a closing handshake takes too long.
void WsConnection::watch() {
    if (state() == State::closing) {
        shut();
        return;
    }
    const auto idle = session().lane().handler().config().timeouts.idle;
    const auto quiet = silent();
    if (quiet >= idle) {
        state(State::failing);
        session().break_off(close_gone, "idle");
    } else if (quiet >= idle / 2) {
        char header[ws_max_header];
        session().send_control({header, write_ws_header(header, WsOpcode::ping, 0)});
        arm(idle - quiet);
    } else {
        arm(idle / 2 - quiet);
    }
}

void WsConnection::lost() { session().lost(*this, close_gone); }

} // namespace chain::detail
