// Definitions of <chain/detail/ws_connection.hpp>.
#pragma once

#include <chain/detail/exact_allocator.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/ws_connection.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace chain::detail {

/// What is pending while a connection is idle.
struct WsConnection::ReadWait {
    using allocator_type = ExactAllocator<void>;

    allocator_type get_allocator() const noexcept { return {}; }
    void operator()(error_code failed) const { self->readable(static_cast<bool>(failed)); }

    std::shared_ptr<WsConnection> self;
};

WsConnection::WsConnection(PlainSocket socket, Ref<SessionCore> session)
    : socket_(std::move(socket)), session_(std::move(session)),
      decoder_(session_->lane().handler().config().limits.message_bytes),
      watch_([](TimerNode& timer) { static_cast<Watch&>(timer).connection->watch(); }) {
    watch_.connection = this;
}

WsConnection::~WsConnection() = default;

void WsConnection::start(std::string received) {
    const Lane::Scope scope(session_->lane());
    error_code ignored;
    socket_.non_blocking(true, ignored);
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    heard_ = session_->lane().ticks();
    if (session_->attach(shared_from_this())) {
        shut();
        return;
    }
    session_->lane().arm(watch_, session_->lane().handler().config().timeouts.idle / 2);
    if (!received.empty()) take(received);
    wait_readable();
}

void WsConnection::wait_readable() {
    if (state_ == State::closed) return;
    socket_.async_wait(PlainSocket::wait_read, ReadWait{shared_from_this()});
}

void WsConnection::readable(bool failed) {
    if (state_ == State::closed) return;
    const Lane::Scope scope(session_->lane());
    // A few rounds at most, so that one client does not hold the thread.
    for (int rounds = 4; !failed && rounds > 0 && read(); --rounds) {
    }
    if (failed) lost();
    wait_readable();
}

/// Reads once. @return true when there may be more.
bool WsConnection::read() {
    const auto buffer = session_->lane().read_buffer();
    error_code failed;
    const auto count = socket_.read_some(net::buffer(buffer.data(), buffer.size()), failed);
    if (failed == net::error::would_block || failed == net::error::try_again) return false;
    if (failed) {
        lost();
        return false;
    }
    heard_ = session_->lane().ticks();
    if (state_ != State::failing) take(buffer.first(count));
    return count == buffer.size() && state_ != State::closed;
}

void WsConnection::take(std::span<char> bytes) {
    while (state_ == State::open || state_ == State::closing) {
        const auto event = decoder_.next(bytes);
        if (event.kind == WsEvent::Kind::need_more) return;
        handle(event);
    }
}

void WsConnection::handle(const WsEvent& event) {
    switch (event.kind) {
    case WsEvent::Kind::message:
        if (state_ == State::open) message(event);
        break;
    case WsEvent::Kind::ping:
        if (state_ == State::open) {
            char header[ws_max_header];
            std::string pong(header, write_ws_header(header, WsOpcode::pong, event.payload.size()));
            session_->send_control(pong.append(event.payload));
        }
        break;
    case WsEvent::Kind::close:
        peer_closed(event.code);
        break;
    case WsEvent::Kind::failure:
        fail(event.code, event.payload);
        break;
    default:
        break;
    }
}

void WsConnection::message(const WsEvent& event) {
    const auto failed = session_->receive(event.payload, event.binary);
    if (failed == Errc::binary_frame) {
        fail(1003, "this dialect has text frames only");
    } else if (failed == Errc::not_json) {
        fail(1007, "not JSON");
    } else if (failed == Errc::malformed_frame) {
        fail(1008, "not a frame of the protocol");
    }
}

/// The client broke the rules: the session ends, and with it, by way of `close`, the connection.
void WsConnection::fail(std::uint16_t code, std::string_view why) {
    if (state_ == State::closing) {
        shut();
    } else {
        state_ = State::failing;
        session_->end(code, why);
    }
}

void WsConnection::peer_closed(std::uint16_t code) {
    peer_done_ = true;
    if (state_ == State::closing) {
        if (!rest_) shut();
        return;
    }
    const auto self = shared_from_this();
    session_->lane().batch().deliver(*session_);
    session_->detach(*this);
    session_->end(1000, {});
    close(code, {}, {});
}

std::size_t WsConnection::write(std::string_view bytes) noexcept {
    const auto sent = send_some(bytes);
    if (sent < bytes.size()) wait_writable();
    return sent;
}

std::size_t WsConnection::send_some(std::string_view bytes) noexcept {
    error_code failed;
    const auto sent = socket_.write_some(net::buffer(bytes.data(), bytes.size()), failed);
    // A broken connection is found by its read side; until then its bytes go nowhere.
    if (failed && failed != net::error::would_block && failed != net::error::try_again) return bytes.size();
    return sent;
}

void WsConnection::wait_writable() {
    if (std::exchange(writing_, true)) return;
    socket_.async_wait(PlainSocket::wait_write, [self = shared_from_this()](error_code failed) {
        self->writable(static_cast<bool>(failed));
    });
}

void WsConnection::writable(bool failed) {
    writing_ = false;
    if (failed || state_ == State::closed) return;
    const Lane::Scope scope(session_->lane());
    if (state_ == State::closing)
        send_rest();
    else
        session_->writable();
}

void WsConnection::close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept {
    if (state_ == State::closing || state_ == State::closed) return;
    state_ = State::closing;
    rest_ = std::make_unique<std::string>(std::move(unsent) + ws_close_frame(code, reason));
    session_->lane().arm(watch_, session_->lane().handler().config().timeouts.close);
    send_rest();
}

/// Sends what is left before the end; then, once the client's close frame has come, shuts the socket.
void WsConnection::send_rest() noexcept {
    if (!rest_) return;
    rest_->erase(0, send_some(*rest_));
    if (!rest_->empty()) {
        wait_writable();
        return;
    }
    rest_.reset();
    if (peer_done_) shut();
}

/// Fires after half of the idle time, and when a closing handshake takes too long.
void WsConnection::watch() {
    if (state_ == State::closing) {
        shut();
        return;
    }
    auto& lane = session_->lane();
    const auto idle = lane.handler().config().timeouts.idle;
    const auto silent = TimerWheel::tick * (lane.ticks() - heard_);
    if (silent >= idle) {
        state_ = State::failing;
        session_->end(1001, "idle");
        return;
    }
    if (silent >= idle / 2) {
        char header[ws_max_header];
        session_->send_control({header, write_ws_header(header, WsOpcode::ping, 0)});
        lane.arm(watch_, idle - silent);
    } else {
        lane.arm(watch_, idle / 2 - silent);
    }
}

/// The connection broke.
void WsConnection::lost() noexcept {
    const auto self = shared_from_this();
    shut();
    session_->detach(*this);
    session_->end(1001, {});
}

void WsConnection::shut() noexcept {
    state_ = State::closed;
    watch_.disarm();
    error_code ignored;
    socket_.shutdown(PlainSocket::shutdown_both, ignored);
    socket_.close(ignored);
}

} // namespace chain::detail
