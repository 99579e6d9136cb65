// Requests and answers in the forms of Beast, and the other way round.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/text.hpp>
#include <chain/request.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace chain::detail {

namespace http = boost::beast::http;

/// What of a request decides on the form of its answer.
struct HttpForm {
    unsigned version = 11;
    bool keep_alive = true;
    bool head = false; ///< Does it answer a HEAD?
};

/// Method, target and fields; the body is left to the caller.
template <class Fields>
Request request_from(const http::header<true, Fields>& message) {
    Request request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    const auto query = request.target.find('?');
    if (query != std::string::npos)
        request.query = parse_query(std::string_view(request.target).substr(query + 1));
    request.headers.reserve(
        static_cast<std::size_t>(std::distance(message.begin(), message.end())));
    for (const auto& field : message) // HTTP/1.0 knows no upgrade: RFC 9110, section 7.8
        if (message.version() >= 11 || field.name() != http::field::upgrade)
            request.headers.emplace_back(std::string(field.name_string()),
                                         std::string(field.value()));
    return request;
}

/// Does the client wait for `continue_line` before it sends the body? RFC 9110, section 10.1.1. Of
/// a request of which the header was read.
template <class Fields>
bool awaits_continue(const http::header<true, Fields>& message) {
    const auto expected = message[http::field::expect];
    return message.version() >= 11 &&
           equals_ignoring_case({expected.data(), expected.size()}, "100-continue");
}
inline constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

/// Who sent a request, and whether over TLS.
void add_peer(Request& request, Peer peer, bool encrypted);

/// The answer as a message of Beast.
http::response<http::string_body> message_from(HttpAnswer answer, HttpForm form);
/// The answer as it is sent.
std::string bytes_of(const HttpAnswer& answer, HttpForm form);

/// A ByteStream for Beast to read from. The stream must outlive it.
class StreamReader {
  public:
    using executor_type = net::any_io_executor;

    explicit StreamReader(ByteStream& stream) : stream_(&stream) {}

    executor_type get_executor() { return stream_->executor(); }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, ByteStream* stream, net::mutable_buffer into) {
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                stream->read_some({static_cast<char*>(into.data()), into.size()},
                                  [shared](error_code failed, std::size_t count) {
                                      std::move (*shared)(failed, count);
                                  });
            },
            token, stream_, net::mutable_buffer(*net::buffer_sequence_begin(buffers)));
    }

  private:
    ByteStream* stream_;
};

} // namespace chain::detail
