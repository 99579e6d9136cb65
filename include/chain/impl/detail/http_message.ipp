// Definitions of <chain/detail/http_message.hpp>.
#pragma once

#include <chain/detail/http_message.hpp>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/serializer.hpp>

#include <utility>

namespace chain::detail {

void add_peer(Request& request, ByteStream& stream) {
    auto peer = stream.peer();
    request.peer_address = std::move(peer.address);
    request.peer_port = peer.port;
    request.tls = stream.encrypted();
}

http::response<http::string_body> message_from(HttpAnswer answer, HttpForm form) {
    const auto status = static_cast<unsigned>(answer.status);
    http::response<http::string_body> message(http::int_to_status(status), form.version);
    message.result(status);
    for (const auto& [name, value] : answer.headers) message.insert(name, value);
    if (status != 101) message.keep_alive(form.keep_alive);
    if (!answer.take_over) {
        if (status != 304 && status != 204) message.content_length(answer.body.size());
        if (!form.head) message.body() = std::move(answer.body);
    }
    return message;
}

std::string bytes_of(HttpAnswer answer, HttpForm form) {
    auto message = message_from(std::move(answer), form);
    http::response_serializer<http::string_body> serializer(message);
    std::string bytes;
    error_code failed;
    while (!serializer.is_done() && !failed)
        serializer.next(failed, [&](error_code&, const auto& buffers) {
            bytes += boost::beast::buffers_to_string(buffers);
            serializer.consume(boost::beast::buffer_bytes(buffers));
        });
    return bytes;
}

} // namespace chain::detail
