// StreamOf: makes a ByteStream of any stream that Asio and Beast know.
#pragma once

#include <chain/detail/byte_stream.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <boost/beast/core/stream_traits.hpp>

#include <charconv>
#include <memory>
#include <type_traits>
#include <utility>

namespace chain::detail {

/// The text of an address, which every client needs: Asio's own function goes through the system's
/// formatted printing.
inline std::string text_of(const net::ip::address_v4& address) {
    char text[sizeof "255.255.255.255"];
    char* end = text;
    for (const auto byte : address.to_bytes()) {
        end = std::to_chars(end, text + sizeof text, byte).ptr;
        *end++ = '.';
    }
    return {text, end - 1};
}

/// The peer at an address. An IPv4 client of an IPv6 socket as what it is.
inline Peer peer_at(const net::ip::address& address, std::uint16_t port) {
    if (address.is_v4()) return {text_of(address.to_v4()), port};
    if (address.to_v6().is_v4_mapped())
        return {text_of(net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6())), port};
    return {address.to_string(), port};
}

/// The peer of a socket; without an address where it has none.
template <class Socket>
Peer peer_of(Socket& socket) {
    error_code failed;
    if constexpr (requires { socket.remote_endpoint(failed).address(); }) {
        const auto peer = socket.remote_endpoint(failed);
        return failed ? Peer{} : peer_at(peer.address(), peer.port());
    } else if constexpr (std::is_same_v<typename Socket::protocol_type,
                                        net::local::stream_protocol>) {
        return {"unix", 0};
    } else {
        return {};
    }
}

/// Takes a bare socket out of its context.
template <class Socket>
std::shared_ptr<LooseSocket> loose(Socket& socket) {
    error_code failed;
    const auto protocol = socket.local_endpoint(failed).protocol();
    const auto handle = socket.release(failed);
    return failed ? nullptr : std::make_shared<LooseSocket>(protocol, handle);
}

/// Of a stream of a Server, or, for the time of one request, of a reference to the application's.
template <class Stream>
class StreamOf final : public ByteStream {
    using Bare = std::remove_reference_t<Stream>;
    using Lowest =
        std::remove_reference_t<decltype(boost::beast::get_lowest_layer(std::declval<Bare&>()))>;
    /// Both of Asio's and of Beast's TLS streams have it.
    static constexpr bool tls = requires { typename Bare::handshake_type; };
    /// Beast's `basic_stream` has the socket inside.
    static constexpr bool wraps = requires(Lowest & lowest) { lowest.socket().release(); };
    /// What limits its rate stays with it.
    static constexpr bool limited = requires(Lowest & lowest) {
        requires !std::is_same_v<std::remove_cvref_t<decltype(lowest.rate_policy())>,
                                 boost::beast::unlimited_rate_policy>;
    };
    static constexpr bool bare = std::is_same_v<Bare, Lowest> && !limited &&
                                 (wraps || requires(Bare & stream) { stream.release(); });

  public:
    /// Whatever deadline the stream has is over: the library watches its own.
    explicit StreamOf(Stream&& stream) : stream_(std::forward<Stream>(stream)) {
        auto& lowest = boost::beast::get_lowest_layer(stream_);
        if constexpr (requires { lowest.expires_never(); }) lowest.expires_never();
    }

    Bare& stream() noexcept { return stream_; }
    net::any_io_executor executor() override { return stream_.get_executor(); }
    Peer peer() override { return peer_of(socket()); }
    bool encrypted() const noexcept override { return tls; }
    bool movable() const noexcept override { return bare; }
    std::shared_ptr<LooseSocket> release() override {
        if constexpr (bare)
            return loose(socket());
        else
            return nullptr;
    }
    void move_into(PlainSocket& into) override { move(into); }
    void move_into(AnySocket& into) override { move(into); }

    std::unique_ptr<ByteStream> take() override {
        error_code ignored;
        // A Server's sockets have it from their acceptor.
        if constexpr (std::is_reference_v<Stream> &&
                      requires { socket().set_option(net::ip::tcp::no_delay(true), ignored); })
            socket().set_option(net::ip::tcp::no_delay(true), ignored);
        return std::make_unique<StreamOf<Bare>>(std::move(stream_));
    }

    void read_some(std::span<char> into, Done done) override {
        stream_.async_read_some(net::buffer(into.data(), into.size()),
                                PendingStep{std::move(done)});
    }
    std::size_t read_now(std::span<char> into) noexcept override {
        error_code failed;
        if constexpr (bare)
            if (socket().non_blocking())
                return socket().read_some(net::buffer(into.data(), into.size()), failed);
        return 0;
    }
    std::size_t write_now(std::string_view bytes) noexcept override {
        error_code failed; // which the next operation finds again
        if constexpr (bare)
            if (socket().non_blocking())
                return socket().write_some(net::buffer(bytes.data(), bytes.size()), failed);
        return 0;
    }
    void write(std::string_view bytes, Done done) override {
        net::async_write(stream_, net::buffer(bytes.data(), bytes.size()),
                         PendingStep{std::move(done)});
    }
    void finish(Done done) override {
        if constexpr (tls) {
            stream_.async_shutdown(
                PendingStep{[this, done = std::move(done)](error_code failed, std::size_t) {
                    shut_sending();
                    done(failed, 0);
                }});
        } else {
            const auto failed = shut_sending();
            net::post(stream_.get_executor(),
                      [done = std::move(done), failed] { done(failed, 0); });
        }
    }
    void drop_some(std::span<char> into, Done done) override {
        boost::beast::get_lowest_layer(stream_).async_read_some(
            net::buffer(into.data(), into.size()), PendingStep{std::move(done)});
    }
    void cancel() noexcept override {
        error_code ignored;
        if constexpr (requires { socket().cancel(ignored); })
            socket().cancel(ignored);
        else
            close();
    }
    void close() noexcept override {
        error_code ignored;
        if constexpr (requires { socket().close(ignored); })
            socket().close(ignored);
        else
            boost::beast::get_lowest_layer(stream_).close();
    }

  private:
    error_code shut_sending() {
        error_code failed;
        if constexpr (requires { socket().shutdown(net::socket_base::shutdown_send, failed); })
            socket().shutdown(net::socket_base::shutdown_send, failed);
        return failed;
    }
    auto& socket() {
        if constexpr (wraps)
            return boost::beast::get_lowest_layer(stream_).socket();
        else
            return boost::beast::get_lowest_layer(stream_);
    }
    template <class Into>
    void move([[maybe_unused]] Into& into) {
        if constexpr (bare &&
                      std::is_convertible_v<std::remove_reference_t<decltype(socket())>&&, Into>) {
            if (socket().get_executor() == into.get_executor()) {
                into = Into(std::move(socket()));
                return;
            }
        }
        if (const auto moved = release()) moved->move_into(into);
    }

    Stream stream_;
};

/// A ByteStream that owns `stream`.
template <class Stream>
std::unique_ptr<ByteStream> own_stream(Stream stream) {
    return std::make_unique<StreamOf<Stream>>(std::move(stream));
}

} // namespace chain::detail
