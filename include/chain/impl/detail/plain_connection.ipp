// Definitions of <chain/detail/plain_connection.hpp>.
#pragma once

#include <chain/detail/exact_allocator.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/plain_connection.hpp>
#include <chain/detail/session_core.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace chain::detail {

/// What is pending while a connection is idle.
struct PlainConnection::ReadWait {
    using allocator_type = ExactAllocator<void>;

    allocator_type get_allocator() const noexcept { return {}; }
    void operator()(error_code failed) const { self->readable(static_cast<bool>(failed)); }

    std::shared_ptr<PlainConnection> self;
};

PlainConnection::PlainConnection(PlainSocket socket, Ref<SessionCore> session)
    : socket_(std::move(socket)), session_(std::move(session)),
      watch_([](TimerNode& timer) { static_cast<Watch&>(timer).connection->watch(); }) {
    watch_.connection = this;
}

PlainConnection::~PlainConnection() = default;

bool PlainConnection::attach(std::string_view first) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    heard_ = session_->lane().ticks();
    send_some(first); // A socket that has just answered a request has room for it.
    if (!session_->attach(shared_from_this())) return true;
    close(session_->close_code(), session_->close_reason(), {});
    wait_readable();
    return false;
}

void PlainConnection::wait_readable() {
    if (state_ == State::closed) return;
    socket_.async_wait(PlainSocket::wait_read, ReadWait{shared_from_this()});
}

void PlainConnection::readable(bool failed) {
    if (state_ == State::closed) return;
    const Lane::Scope scope(session_->lane());
    // A few rounds at most, so that one client does not hold the thread.
    for (int rounds = 4; !failed && rounds > 0 && read(); --rounds) {
    }
    if (failed) broken();
    wait_readable();
}

/// Reads once. @return true when there may be more.
bool PlainConnection::read() {
    const auto buffer = session_->lane().read_buffer();
    error_code failed;
    const auto count = socket_.read_some(net::buffer(buffer.data(), buffer.size()), failed);
    if (failed == net::error::would_block || failed == net::error::try_again) return false;
    if (failed) {
        broken();
        return false;
    }
    heard_ = session_->lane().ticks();
    if (state_ != State::failing) take(buffer.first(count));
    return count == buffer.size() && state_ != State::closed;
}

void PlainConnection::broken() {
    const auto self = shared_from_this();
    shut();
    lost();
}

std::size_t PlainConnection::write(std::string_view bytes) noexcept {
    const auto sent = send_some(bytes);
    if (sent < bytes.size()) wait_writable();
    return sent;
}

std::size_t PlainConnection::send_some(std::string_view bytes) noexcept {
    error_code failed;
    const auto sent = socket_.write_some(net::buffer(bytes.data(), bytes.size()), failed);
    // A broken connection is found by its read side; until then its bytes go nowhere.
    if (failed && failed != net::error::would_block && failed != net::error::try_again)
        return bytes.size();
    return sent;
}

void PlainConnection::wait_writable() {
    if (std::exchange(writing_, true)) return;
    socket_.async_wait(PlainSocket::wait_write, [self = shared_from_this()](error_code failed) {
        self->writable(static_cast<bool>(failed));
    });
}

void PlainConnection::writable(bool failed) {
    writing_ = false;
    if (failed || state_ == State::closed) return;
    const Lane::Scope scope(session_->lane());
    if (state_ == State::closing)
        send_rest();
    else
        session_->writable();
}

void PlainConnection::finish(std::string rest) noexcept {
    state_ = State::closing;
    if (session_->lane().closed()) {
        send_some(rest);
        shut();
        return;
    }
    rest_ = std::make_unique<std::string>(std::move(rest));
    arm(session_->lane().handler().config().timeouts.close);
    send_rest();
}

void PlainConnection::send_rest() noexcept {
    if (!rest_) return;
    rest_->erase(0, send_some(*rest_));
    if (!rest_->empty()) {
        wait_writable();
        return;
    }
    rest_.reset();
    rest_sent();
}

std::chrono::milliseconds PlainConnection::silent() const noexcept {
    return TimerWheel::tick * (session_->lane().ticks() - heard_);
}

void PlainConnection::arm(std::chrono::milliseconds after) { session_->lane().arm(watch_, after); }

void PlainConnection::shut_sending() noexcept {
    error_code ignored;
    socket_.shutdown(PlainSocket::shutdown_send, ignored);
}

void PlainConnection::shut() noexcept {
    state_ = State::closed;
    watch_.disarm();
    error_code ignored;
    socket_.shutdown(PlainSocket::shutdown_both, ignored);
    socket_.close(ignored);
}

} // namespace chain::detail
