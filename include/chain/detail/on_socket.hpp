// OnSocket: carries a connection over a plain socket.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/operation_room.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace chain::detail {

/// Carries `Protocol` over a plain socket. While nothing happens it holds no buffer: it waits for
/// readability and reads into the thread's. What Asio keeps of the wait lies within.
template <class Protocol, class Socket>
class OnSocket final : public Protocol {
    using State = typename Protocol::State;

  public:
    template <class... Args>
    explicit OnSocket(Socket socket, Args&&... args)
        : Protocol(std::forward<Args>(args)...), socket_(std::move(socket)) {}

  private:
    /// Asio's wait with the handler below, as of Boost 1.81.
    using Room = OperationRoom<88 + sizeof(typename Socket::executor_type)>;

    /// What is pending while a connection is idle.
    struct ReadWait {
        using allocator_type = RoomAllocator<void, Room>;

        allocator_type get_allocator() const noexcept { return allocator_type(self->room_); }
        void operator()(error_code failed) const { self->readable(static_cast<bool>(failed)); }

        std::shared_ptr<OnSocket> self;
    };

    std::shared_ptr<OnSocket> self() {
        return std::static_pointer_cast<OnSocket>(this->shared_from_this());
    }

    void set_up() noexcept override {
        error_code ignored;
        if (!socket_.non_blocking()) socket_.non_blocking(true, ignored);
    }

    void wait_readable() override {
        if (this->state() == State::closed || std::exchange(reading_, true)) return;
        socket_.async_wait(Socket::wait_read, ReadWait{self()});
    }
    void readable(bool failed) {
        reading_ = false;
        if (this->state() == State::closed) return;
        const Lane::Scope scope(this->session().lane());
        // A few rounds at most, so that one client does not hold the thread.
        for (int rounds = 4; !failed && rounds > 0 && read(); --rounds) {
        }
        if (failed) this->broken();
        wait_readable();
    }
    /// Reads once. @return true when there may be more.
    bool read() {
        const auto buffer = Lane::read_buffer();
        error_code failed;
        const auto count = socket_.read_some(net::buffer(buffer.data(), buffer.size()), failed);
        if (failed == net::error::would_block || failed == net::error::try_again) return false;
        if (failed) {
            ended_ = true;
            this->broken();
            return false;
        }
        this->came(buffer.first(count));
        return count == buffer.size() && this->state() != State::closed;
    }

    std::size_t send(std::string_view bytes) noexcept override {
        error_code failed;
        const auto sent = socket_.write_some(net::buffer(bytes.data(), bytes.size()), failed);
        // A broken connection is found by its read side; until then its bytes go nowhere.
        if (failed && failed != net::error::would_block && failed != net::error::try_again)
            return bytes.size();
        return sent;
    }
    bool sending() const noexcept override { return false; }
    void wait_writable() override {
        if (std::exchange(writing_, true)) return;
        socket_.async_wait(Socket::wait_write, [self = self()](error_code failed) {
            self->writing_ = false;
            self->writable(static_cast<bool>(failed));
        });
    }

    void part() noexcept override { this->shut(); }
    void shut_sending() noexcept override {
        error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
    }
    void close_stream() noexcept override {
        error_code ignored;
        if (!ended_) socket_.shutdown(Socket::shutdown_both, ignored);
        socket_.close(ignored);
    }

    // These fit behind what `Protocol` ends with, in room that would be empty.
    bool reading_ = false; ///< Is readability awaited?
    bool writing_ = false; ///< Is writability awaited?
    bool ended_ = false;   ///< Has the peer closed it, or is it broken?
    Socket socket_;
    Room room_;
};

} // namespace chain::detail
