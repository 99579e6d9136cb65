// async_serve: a handler inside a Beast server that the application already has.
#pragma once

#include <chain/detail/completion.hpp>
#include <chain/detail/exchange.hpp>
#include <chain/detail/http_handler.hpp>
#include <chain/detail/http_message.hpp>
#include <chain/detail/stream_of.hpp>
#include <chain/handler.hpp>
#include <chain/served.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace chain {

namespace detail {

template <class Buffer>
ReadAhead read_ahead(Buffer& buffer) {
    auto take = [&buffer] {
        auto bytes = boost::beast::buffers_to_string(buffer.data());
        buffer.consume(bytes.size());
        return bytes;
    };
    auto give = [&buffer](std::string_view bytes) {
        const auto size =
            net::buffer_copy(buffer.prepare(bytes.size()), net::buffer(bytes.data(), bytes.size()));
        buffer.commit(size);
    };
    return {buffer.max_size(), take, give};
}

/// Is it a layer over a stream that it does not own?
template <class Stream>
inline constexpr bool borrows_stream = std::is_reference_v<Stream>;
template <template <class...> class Layer, class Next, class... Rest>
inline constexpr bool borrows_stream<Layer<Next, Rest...>> = borrows_stream<Next>;

/// Starts an exchange with what `message` is: a request, or a parser. A token that starts it later
/// needs no handle of the application's for that.
struct StartExchange {
    template <class Done, class Stream, class Buffer, class... Message>
    void operator()(Done done, std::shared_ptr<HandlerCore> handler, Stream* stream, Buffer* buffer,
                    Message... message) const {
        static_assert(!borrows_stream<Stream>,
                      "chain: a session takes its stream, so async_serve needs one that owns the "
                      "socket: ssl::stream<tcp::socket>, not ssl::stream<tcp::socket&>");
        std::make_shared<Exchange>(std::move(handler), std::make_unique<StreamOf<Stream&>>(*stream),
                                   read_ahead(*buffer),
                                   completion<Served>(std::move(done), stream->get_executor()))
            ->serve(std::move(message)...);
    }
};

} // namespace detail

/// Serves a request that is for `handler` (`handler.serves(request.target())`) on the stream it
/// came on.
///
/// A plain request (a POST, a poll, a file of the browser client) is answered, and the stream stays
/// the application's. A WebSocket, and a stream of server-sent events, take it: `stream` is moved
/// from, with what is in `buffer`. A handler without any transport gets one for WebSocket, one for
/// SSE and one for long-polling.
///
/// A plain TCP or UNIX socket, also in a `beast::tcp_stream`, is moved to the least loaded
/// io_context of `Handler::use`. Where none is declared, and for TLS and streams of any other kind,
/// its session lives on the stream's executor, which must be serial: a strand, or an io_context
/// that one thread runs.
///
/// @param handler  whose endpoint the target is; it may go before the completion
/// @param stream   Asio's or Beast's, which owns the layers below it; no operation of it may be
/// pending, and an `expires_after` of it is over
/// @param buffer   a DynamicBuffer: what was read ahead of the request
/// @param request  with a body that is a `std::string`, or none
/// @param token    of signature `void(Served)`; called on its associated executor
///
/// Lifetimes: `stream` and `buffer` must be there until the completion, and, where the token starts
/// the operation later (`deferred`, `use_awaitable`), from now on. When the last handle of the
/// handler goes, the request is answered 503. An answer that is not taken within
/// `Timeouts::request` ends the connection. Not cancellable; close the stream instead.
///
/// ```cpp
/// if (handler.serves(request.target())) {
///     const auto served = co_await chain::async_serve(handler, stream, buffer, std::move(request),
///                                                     net::use_awaitable);
///     if (served != chain::Served::keep_alive) co_return; // upgraded, streaming, or closed
///     continue;
/// }
/// ```
template <class Stream, class DynamicBuffer, class Body, class Fields, class CompletionToken>
auto async_serve(const Handler& handler, Stream& stream, DynamicBuffer& buffer,
                 boost::beast::http::request<Body, Fields> request, CompletionToken&& token) {
    auto plain = detail::request_from(request);
    if constexpr (std::is_convertible_v<typename Body::value_type, std::string>)
        plain.body = std::move(request.body());
    else
        static_assert(std::is_same_v<Body, boost::beast::http::empty_body>,
                      "chain: async_serve takes requests of string_body or empty_body; of others, "
                      "give it the parser after async_read_header");
    const detail::HttpForm form{request.version(), request.keep_alive(),
                                request.method() == boost::beast::http::verb::head};
    return net::async_initiate<CompletionToken, void(Served)>(detail::StartExchange{}, token,
                                                              detail::shared_core(handler), &stream,
                                                              &buffer, std::move(plain), form);
}

/// The same for a request of which only the header was read (`http::async_read_header`). The body
/// is read here, within `Limits::body_bytes` and `Timeouts::request`: a client that sends more is
/// answered 413 before it is buffered. One that waits for it is answered `100 Continue` first.
/// @param handler  as above
/// @param stream   as above
/// @param buffer   as above
/// @param parser  of empty_body or buffer_body; set its `body_limit(boost::none)` before the header
/// is read, or Beast refuses a long body itself
/// @param token    as above
template <class Stream, class DynamicBuffer, class Body, class Allocator, class CompletionToken>
auto async_serve(const Handler& handler, Stream& stream, DynamicBuffer& buffer,
                 boost::beast::http::request_parser<Body, Allocator>&& parser,
                 CompletionToken&& token) {
    return net::async_initiate<CompletionToken, void(Served)>(
        detail::StartExchange{}, token, detail::shared_core(handler), &stream, &buffer,
        std::make_shared<detail::Exchange::Parser>(std::move(parser)));
}

/// The answer to a request for a file of the browser client (`chain.js`, `chain.js.map`,
/// `chain.ts`, `chain.d.ts`), wherever the application wants to have them: the last segment of the
/// target's path is the file's name. With ETag and 304; 404 for other names, 405 for other methods
/// than GET and HEAD. Below an endpoint `async_serve` does that itself.
template <class Body, class Fields>
boost::beast::http::response<boost::beast::http::string_body>
client_response(const boost::beast::http::request<Body, Fields>& request) {
    const auto plain = detail::request_from(request);
    const auto path = plain.path();
    return detail::message_from(detail::client_answer(plain, path.substr(path.rfind('/') + 1)),
                                {request.version(), request.keep_alive(),
                                 request.method() == boost::beast::http::verb::head});
}

} // namespace chain
