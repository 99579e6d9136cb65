// Serves HTTP requests on one connection, with Beast.
#pragma once

#include <chain/detail/http_site.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <memory>
#include <tuple>
#include <utility>

namespace chain::detail {

namespace http = boost::beast::http;

/// One connection's requests, one after another.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(HttpSocket socket, net::io_context& context, std::shared_ptr<HttpSite> site)
        : socket_(std::move(socket)), context_(context), site_(std::move(site)), timer_(context) {}

    net::awaitable<void> run() {
        error_code ignored;
        socket_.set_option(net::ip::tcp::no_delay(true), ignored);
        for (bool more = true; more;) more = co_await serve_one();
    }

  private:
    using Parser = http::request_parser<http::string_body>;
    static constexpr auto no_throw = net::as_tuple(net::use_awaitable);

    /// @return true when the connection goes on.
    net::awaitable<bool> serve_one() {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(site_->config().header_bytes));
        parser.body_limit(site_->config().body_bytes);
        start_timer();
        const auto [failed, count] = co_await http::async_read(socket_, buffer_, parser, no_throw);
        stop_timer();
        if (failed) {
            if (const auto status = status_of(failed))
                co_await refuse(refusal(request_from(parser.get()), status));
            co_return false;
        }
        auto message = parser.release();
        if (message.version() < 11) message.erase(http::field::upgrade); // RFC 9110, section 7.8
        auto answer = co_await respond(request_from(message));
        const bool alive = message.keep_alive() && !site_->draining() && !answer.take_over;
        const bool written =
            co_await write(answer, message.version(), alive, message.method() == http::verb::head);
        if (answer.take_over) hand_over(answer, written);
        co_return alive&& written;
    }

    /// Answers what could not be read. What the client still sends is read for a while and dropped:
    /// closing at once would reset the connection, and the client might lose the answer.
    net::awaitable<void> refuse(HttpAnswer answer) {
        if (!co_await write(answer, 11, false, false)) co_return;
        error_code failed;
        socket_.shutdown(HttpSocket::shutdown_send, failed);
        std::array<char, 4096> dropped;
        start_timer();
        while (!failed)
            std::tie(failed, std::ignore) =
                co_await socket_.async_read_some(net::buffer(dropped), no_throw);
        stop_timer();
    }

    /// A transport says it in its own way: a page of another origin is not to take it for a broken
    /// connection.
    HttpAnswer refusal(const Request& request, int status) const {
        const auto* transport = status == 413 ? site_->transport(request.path()) : nullptr;
        return transport ? transport->refuse(request, status, "too long")
                         : plain_text(status, "bad request\n");
    }

    /// What is answered to a request that could not be read; 0 when there is nobody to answer.
    static int status_of(error_code failed) noexcept {
        if (failed == http::error::header_limit) return 431;
        if (failed == http::error::body_limit) return 413;
        const bool parsing =
            failed.category() == http::make_error_code(http::error::bad_method).category();
        return parsing && failed != http::error::end_of_stream &&
                       failed != http::error::partial_message
                   ? 400
                   : 0;
    }

    void start_timer() {
        timer_.expires_after(site_->config().request_timeout);
        timer_.async_wait([weak = weak_from_this(), turn = ++turn_](error_code failed) {
            const auto self = weak.lock();
            error_code ignored;
            if (self && !failed && self->turn_ == turn) self->socket_.cancel(ignored);
        });
    }

    void stop_timer() {
        ++turn_; // a wait that has ended already may still be on its way here
        timer_.cancel();
    }

    Request request_from(const http::request<http::string_body>& message) {
        Request request;
        request.method = message.method_string();
        request.target = message.target();
        request.body = message.body();
        const auto query = request.target.find('?');
        if (query != std::string::npos)
            request.query = parse_query(std::string_view(request.target).substr(query + 1));
        for (const auto& field : message)
            request.headers.emplace_back(field.name_string(), field.value());
        error_code ignored;
        const auto peer = socket_.remote_endpoint(ignored);
        request.peer_address = plain_address(peer.address()).to_string();
        request.peer_port = peer.port();
        return request;
    }

    /// An IPv4 client of an IPv6 socket as what it is.
    static net::ip::address plain_address(const net::ip::address& address) {
        if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
        return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
    }

    net::awaitable<HttpAnswer> respond(Request request) {
        auto* transport = site_->transport(request.path());
        if (!transport) co_return site_->answer(request);
        auto start = [&](auto handler) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            transport->serve(context_, std::move(request), [this, shared](HttpAnswer answer) {
                net::post(context_, [shared, answer = std::move(answer)]() mutable {
                    std::move (*shared)(std::move(answer));
                });
            });
        };
        co_return co_await net::async_initiate<const net::use_awaitable_t<>, void(HttpAnswer)>(
            start, net::use_awaitable);
    }

    net::awaitable<bool> write(const HttpAnswer& answer, unsigned version, bool alive, bool head) {
        http::response<http::string_body> message(
            http::int_to_status(static_cast<unsigned>(answer.status)), version);
        message.result(static_cast<unsigned>(answer.status));
        for (const auto& [name, value] : answer.headers) message.insert(name, value);
        if (answer.status != 101) message.keep_alive(alive);
        if (!answer.take_over) {
            if (answer.status != 304 && answer.status != 204)
                message.content_length(answer.body.size());
            if (!head) message.body() = answer.body;
        }
        http::response_serializer<http::string_body> serializer(message);
        start_timer();
        const auto [failed, count] = co_await http::async_write(socket_, serializer, no_throw);
        stop_timer();
        co_return !failed;
    }

    /// Where the answer could not be written the socket is closed, so that whoever takes it over
    /// finds that out.
    void hand_over(const HttpAnswer& answer, bool written) {
        error_code ignored;
        if (!written) socket_.close(ignored);
        const auto rest = buffer_.data();
        std::string received(static_cast<const char*>(rest.data()), rest.size());
        answer.take_over(PlainSocket(std::move(socket_)), std::move(received));
    }

    HttpSocket socket_;
    net::io_context& context_;
    std::shared_ptr<HttpSite> site_;
    net::steady_timer timer_;
    unsigned turn_ = 0; ///< Tells the timer's current wait from earlier ones.
    boost::beast::flat_buffer buffer_;
};

void serve_http(HttpSocket socket, net::io_context& context, std::shared_ptr<HttpSite> site) {
    auto connection = std::make_shared<HttpConnection>(std::move(socket), context, std::move(site));
    net::co_spawn(
        context, [connection] { return connection->run(); }, net::detached);
}

} // namespace chain::detail
