// ByteStream: a stream of bytes of any kind: a socket, TLS over one, or the application's own.
#pragma once

#include <chain/detail/exact_allocator.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// A socket of any protocol in a declared lane, with a concrete executor, which makes it small.
using PlainSocket =
    net::basic_stream_socket<net::generic::stream_protocol, net::io_context::executor_type>;
/// The same in a private lane.
using AnySocket = net::basic_stream_socket<net::generic::stream_protocol, net::any_io_executor>;
/// A client's connection to a Server.
using HttpSocket = net::basic_stream_socket<net::ip::tcp, net::io_context::executor_type>;

/// Who is at the other end.
struct Peer {
    std::string address = {}; ///< IP address as text; empty where there is none.
    std::uint16_t port = 0;
};

/// A socket between two contexts.
class LooseSocket {
  public:
    LooseSocket(net::generic::stream_protocol protocol, int handle) noexcept
        : protocol_(protocol), handle_(handle) {}
    LooseSocket(const LooseSocket&) = delete;
    LooseSocket& operator=(const LooseSocket&) = delete;
    ~LooseSocket() {
        if (handle_ >= 0) ::close(handle_);
    }

    template <class Socket>
    void move_into(Socket& into) {
        error_code failed;
        into.assign(protocol_, handle_, failed);
        if (!failed) handle_ = -1;
    }

  private:
    net::generic::stream_protocol protocol_;
    int handle_;
};

/// A stream of bytes of any kind. Everything is for its own executor, where operations complete.
class ByteStream {
  public:
    using Done = std::function<void(error_code, std::size_t)>;

    virtual ~ByteStream() = default;

    virtual net::any_io_executor executor() = 0;
    virtual Peer peer() = 0;
    virtual bool encrypted() const noexcept = 0;
    /// Is it a bare socket, which can be moved to another context?
    virtual bool movable() const noexcept = 0;
    /// Takes a bare socket out of its context; null when it is broken.
    virtual std::shared_ptr<LooseSocket> release() = 0;
    /// Moves a bare socket into `into`, which is open afterwards, unless it is broken.
    virtual void move_into(PlainSocket& into) = 0;
    virtual void move_into(AnySocket& into) = 0;
    /// The stream in an object of its own, to be kept for long: nothing else has it any more.
    virtual std::unique_ptr<ByteStream> take() = 0;

    virtual void read_some(std::span<char> into, Done done) = 0;
    /// Reads what a socket has at once. @return how much; 0 where that is not known at once, or
    /// when the next operation is to find out what is wrong
    virtual std::size_t read_now(std::span<char>) noexcept { return 0; }
    /// Writes what a socket takes at once. @return how much; 0 where that is not known at once
    virtual std::size_t write_now(std::string_view) noexcept { return 0; }
    /// Writes all of it.
    virtual void write(std::string_view bytes, Done done) = 0;
    /// Says that nothing more will be sent; over TLS, waits for the peer to say so too.
    virtual void finish(Done done) = 0;
    /// Reads what still comes after `finish`, as it is on the wire, to be dropped.
    virtual void drop_some(std::span<char> into, Done done) = 0;
    /// Ends all operations.
    virtual void cancel() noexcept = 0;
    virtual void close() noexcept = 0;
};

/// The handler of an operation that may stay pending for long.
struct PendingStep {
    using allocator_type = ExactAllocator<void>;

    allocator_type get_allocator() const noexcept { return {}; }
    void operator()(error_code failed, std::size_t count = 0) const { done(failed, count); }

    ByteStream::Done done;
};

} // namespace chain::detail
