// Serves HTTP requests on one connection, with Beast.
#pragma once

#include <chain/detail/deadline.hpp>
#include <chain/detail/http_handler.hpp>
#include <chain/detail/http_message.hpp>
#include <chain/detail/http_site.hpp>
#include <chain/detail/linger.hpp>
#include <chain/detail/stream_maker.hpp>
#include <chain/detail/stream_of.hpp>
#include <chain/detail/way_back.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace chain::detail {

/// One connection's requests, one after another.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(HttpSocket socket, Peer peer, std::shared_ptr<HttpSite> site)
        : executor_(socket.get_executor()), peer_(std::move(peer)), site_(std::move(site)),
          stream_(site_->config().tls ? site_->config().tls->wrap(std::move(socket))
                                      : own_stream(std::move(socket))),
          deadline_(*stream_) {}

    /// Serves a first request that is there already, when its answer is there at once and somebody
    /// takes the connection over, as mostly: without a coroutine.
    /// @return false when that is not all, and `run` is to go on
    bool serve_at_once() {
        expect_request();
        read_now();
        if (failed_ || !parser_->is_done()) return false;
        ask();
        if (!answer_ || !answer_->take_over) return false;
        write_now();
        if (!unsent_.empty()) return false;
        conclude(true);
        return true;
    }

    net::awaitable<void> run() {
        bool more = !site_->config().tls || co_await handshake();
        while (more) more = co_await serve_one();
    }

  private:
    using Parser = http::request_parser<http::string_body>;
    static constexpr auto no_throw = net::as_tuple(net::use_awaitable);
    static constexpr std::size_t first_read = 1024;

    net::awaitable<bool> handshake() {
        deadline_.start(site_->config().request_timeout);
        const auto good = co_await wait_for<bool>([&](auto done) {
            site_->config().tls->handshake(*stream_, [done](error_code failed) { done(!failed); });
        });
        deadline_.stop();
        co_return good.value_or(false);
    }

    /// @return true when the connection goes on.
    net::awaitable<bool> serve_one() {
        if (!way_ && !answer_) { // else the first request was taken at once
            if (!parser_) expect_request();
            if (!failed_ && !parser_->is_done()) failed_ = co_await read(*parser_);
            if (failed_) {
                if (const auto status = status_of(failed_))
                    co_await refuse(refusal(*parser_, status));
                co_return false;
            }
            ask();
        }
        if (!answer_) answer_ = co_await result_of<HttpAnswer>(std::exchange(way_, nullptr));
        if (!answer_) answer_ = refuse_request(503, "closed");
        if (unsent_.empty()) write_now();
        const bool written = unsent_.empty() || co_await write(unsent_);
        co_return conclude(written);
    }

    void expect_request() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(site_->config().header_bytes));
        parser_->body_limit(site_->config().body_bytes);
    }

    /// Reads what is there of a request.
    void read_now() {
        const auto into = buffer_.prepare(first_read);
        buffer_.commit(stream_->read_now({static_cast<char*>(into.data()), into.size()}));
        if (buffer_.size() > 0) buffer_.consume(parser_->put(buffer_.data(), failed_));
        if (failed_ == http::error::need_more) failed_ = {};
    }

    /// Asks for the answer to the request that was read; mostly it is there at once.
    void ask() {
        auto message = parser_->release();
        parser_.reset();
        form_ = {message.version(), message.keep_alive(), message.method() == http::verb::head};
        auto request = request_from(message);
        add_peer(request, peer_, stream_->encrypted());
        request.body = std::move(message.body());
        way_ = begun<HttpAnswer>([&](auto done) {
            site_->serve({executor_, false}, std::move(request), std::move(done));
        });
        if (auto come = way_->take()) {
            answer_ = std::move(*come);
            way_.reset();
        }
    }

    /// Writes as much of the answer as goes at once.
    void write_now() {
        form_.keep_alive = form_.keep_alive && !site_->draining() && !answer_->take_over;
        unsent_ = bytes_of(*answer_, form_);
        unsent_.erase(0, stream_->write_now(unsent_));
    }

    /// The answer was written, or cannot be. @return true when the connection goes on
    bool conclude(bool written) {
        const auto answer = std::exchange(answer_, std::nullopt);
        unsent_.clear();
        if (answer->take_over) hand_over(*answer, written);
        return form_.keep_alive && written;
    }

    /// Reads a request whole, or the rest of it.
    net::awaitable<error_code> read(Parser& parser) {
        StreamReader reader(*stream_);
        deadline_.start(site_->config().request_timeout);
        auto [failed, count] = co_await http::async_read_header(reader, buffer_, parser, no_throw);
        if (!failed && !parser.is_done()) {
            if (buffer_.size() == 0 && awaits_continue(parser.get())) co_await send(continue_line);
            std::tie(failed, count) = co_await http::async_read(reader, buffer_, parser, no_throw);
        }
        deadline_.stop();
        co_return failed;
    }

    /// Answers what could not be read.
    net::awaitable<void> refuse(HttpAnswer answer) {
        const auto bytes = bytes_of(answer, {11, false, false});
        if (!co_await write(bytes)) co_return;
        co_await wait_for<bool>([&](auto done) {
            linger(*stream_, site_->config().request_timeout, [done] { done(true); });
        });
    }

    HttpAnswer refusal(const Parser& parser, int status) {
        const auto* why = status == 413 ? "too long" : "bad request";
        // A header that announces too long a body is read whole, but not done by Beast's reckoning.
        if (status != 413 && !parser.is_header_done())
            return plain_text(status, std::string(why) + '\n');
        auto request = request_from(parser.get());
        add_peer(request, peer_, stream_->encrypted());
        return site_->refuse(std::move(request), status, why);
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

    template <class Result>
    using Way = std::shared_ptr<WayBack<std::optional<Result>>>;

    /// Calls `start` with a function that takes a result, on whatever thread that is; mostly it has
    /// when this returns.
    template <class Result, class Start>
    Way<Result> begun(Start start) {
        auto way = std::make_shared<WayBack<std::optional<Result>>>(executor_, std::nullopt);
        start([way](Result result) { way->go(std::move(result)); });
        return way;
    }

    /// Waits for the result, which has not come yet.
    /// @return nothing when none comes
    template <class Result>
    net::awaitable<std::optional<Result>> result_of(Way<Result> way) {
        using Maybe = std::optional<Result>;
        co_return co_await net::async_initiate<const net::use_awaitable_t<>, void(Maybe)>(
            [&way](auto handler) {
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                std::exchange(way, nullptr)->wait([shared](Maybe result) {
                    std::move (*shared)(std::move(result));
                });
            },
            net::use_awaitable);
    }

    /// Both of these.
    template <class Result, class Start>
    net::awaitable<std::optional<Result>> wait_for(Start start) {
        auto way = begun<Result>(std::move(start));
        if (auto come = way->take()) co_return std::move(*come);
        co_return co_await result_of<Result>(std::move(way));
    }

    net::awaitable<bool> write(std::string_view bytes) {
        deadline_.start(site_->config().request_timeout);
        const bool good = co_await send(bytes);
        deadline_.stop();
        co_return good;
    }

    net::awaitable<bool> send(std::string_view bytes) {
        const auto good = co_await wait_for<bool>([&](auto done) {
            stream_->write(bytes, [done](error_code failed, std::size_t) { done(!failed); });
        });
        co_return good.value_or(false);
    }

    /// Where the answer could not be written the stream is closed, so that whoever takes it over
    /// finds that out.
    void hand_over(const HttpAnswer& answer, bool written) {
        if (!written) stream_->close();
        const auto rest = buffer_.data();
        std::string received(static_cast<const char*>(rest.data()), rest.size());
        answer.take_over(stream_->take(), std::move(received));
    }

    net::io_context::executor_type executor_;
    Peer peer_;
    std::shared_ptr<HttpSite> site_;
    std::unique_ptr<ByteStream> stream_;
    Deadline deadline_;
    std::optional<Parser> parser_;     ///< Of the request that is read.
    error_code failed_;                ///< Why it cannot be read, if it cannot.
    Way<HttpAnswer> way_;              ///< Of the answer that was asked for and has not come.
    std::optional<HttpAnswer> answer_; ///< The answer that is to be sent.
    HttpForm form_;                    ///< Its form.
    std::string unsent_;               ///< What is left of it.
    /// A chunk's header is not counted by the body's limit.
    boost::beast::flat_buffer buffer_{site_->config().header_bytes + 8 * 1024};
};

void serve_http(HttpSocket socket, const net::ip::tcp::endpoint& peer,
                std::shared_ptr<HttpSite> site) {
    const auto executor = socket.get_executor();
    error_code ignored;
    socket.non_blocking(true, ignored); // for good: Asio would set it now, and the session again
    auto connection = std::make_shared<HttpConnection>(
        std::move(socket), peer_at(peer.address(), peer.port()), std::move(site));
    try {
        if (connection->serve_at_once()) return;
    } catch (...) { // ends the connection, as in a coroutine
        return;
    }
    net::co_spawn(
        executor, [connection] { return connection->run(); }, net::detached);
}

} // namespace chain::detail
