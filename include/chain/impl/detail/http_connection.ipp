// Serves HTTP requests on one connection, with Beast.
#pragma once

#include <chain/detail/http_site.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>
#include <utility>

namespace chain::detail {

namespace http = boost::beast::http;

/// One connection's requests, one after another.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(HttpSocket socket, net::io_context& context, std::shared_ptr<HttpSite> site)
        : socket_(std::move(socket)), context_(context), site_(std::move(site)), timer_(context) {}

    net::awaitable<void> run() {
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
        timer_.cancel();
        if (failed) {
            if (const auto status = status_of(failed)) co_await write(plain_text(status, "bad request\n"), 11, false, false);
            co_return false;
        }
        const auto message = parser.release();
        auto answer = co_await respond(request_from(message));
        const bool alive = message.keep_alive() && !site_->draining() && !answer.take_over;
        if (!co_await write(answer, message.version(), alive, message.method() == http::verb::head)) co_return false;
        if (answer.take_over) hand_over(answer);
        co_return alive;
    }

    /// What is answered to a request that could not be read; 0 when there is nobody to answer.
    static int status_of(error_code failed) noexcept {
        if (failed == http::error::header_limit) return 431;
        if (failed == http::error::body_limit) return 413;
        const bool parsing = failed.category() == http::make_error_code(http::error::bad_method).category();
        return parsing && failed != http::error::end_of_stream && failed != http::error::partial_message ? 400 : 0;
    }

    void start_timer() {
        timer_.expires_after(site_->config().request_timeout);
        timer_.async_wait([weak = weak_from_this()](error_code failed) {
            const auto self = weak.lock();
            error_code ignored;
            if (self && !failed) self->socket_.cancel(ignored);
        });
    }

    Request request_from(const http::request<http::string_body>& message) {
        Request request;
        request.method = message.method_string();
        request.target = message.target();
        const auto query = request.target.find('?');
        if (query != std::string::npos) request.query = parse_query(std::string_view(request.target).substr(query + 1));
        for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
        error_code ignored;
        const auto peer = socket_.remote_endpoint(ignored);
        request.peer_address = peer.address().to_string();
        request.peer_port = peer.port();
        return request;
    }

    net::awaitable<HttpAnswer> respond(Request request) {
        auto* transport = site_->transport(request.path());
        if (!transport) co_return site_->answer(request);
        auto start = [&](auto handler) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            transport->serve(context_, std::move(request), [this, shared](HttpAnswer answer) {
                net::post(context_, [shared, answer = std::move(answer)]() mutable { std::move (*shared)(std::move(answer)); });
            });
        };
        co_return co_await net::async_initiate<const net::use_awaitable_t<>, void(HttpAnswer)>(start, net::use_awaitable);
    }

    net::awaitable<bool> write(const HttpAnswer& answer, unsigned version, bool alive, bool head) {
        http::response<http::string_body> message(http::int_to_status(static_cast<unsigned>(answer.status)), version);
        message.result(static_cast<unsigned>(answer.status));
        for (const auto& [name, value] : answer.headers) message.insert(name, value);
        if (!answer.take_over) {
            message.keep_alive(alive);
            message.content_length(answer.body.size());
            if (!head) message.body() = answer.body;
        }
        http::response_serializer<http::string_body> serializer(message);
        start_timer();
        const auto [failed, count] = co_await http::async_write(socket_, serializer, no_throw);
        timer_.cancel();
        co_return !failed;
    }

    void hand_over(const HttpAnswer& answer) {
        const auto rest = buffer_.data();
        std::string received(static_cast<const char*>(rest.data()), rest.size());
        answer.take_over(PlainSocket(std::move(socket_)), std::move(received));
    }

    HttpSocket socket_;
    net::io_context& context_;
    std::shared_ptr<HttpSite> site_;
    net::steady_timer timer_;
    boost::beast::flat_buffer buffer_;
};

void serve_http(HttpSocket socket, net::io_context& context, std::shared_ptr<HttpSite> site) {
    auto connection = std::make_shared<HttpConnection>(std::move(socket), context, std::move(site));
    net::co_spawn(context, [connection] { return connection->run(); }, net::detached);
}

} // namespace chain::detail
