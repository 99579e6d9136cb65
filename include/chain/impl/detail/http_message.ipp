// Definitions of <chain/detail/http_message.hpp>.
#pragma once

#include <chain/detail/http_message.hpp>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/fields.hpp>

#include <utility>

namespace chain::detail {

void add_peer(Request& request, Peer peer, bool encrypted) {
    request.peer_address = std::move(peer.address);
    request.peer_port = peer.port;
    request.tls = encrypted;
}

/// All but the body.
template <class Body>
http::response<Body> head_from(const HttpAnswer& answer, HttpForm form) {
    const auto status = static_cast<unsigned>(answer.status);
    http::response<Body> message(http::int_to_status(status), form.version);
    message.result(status);
    for (const auto& [name, value] : answer.headers) message.insert(name, value);
    if (status != 101) message.keep_alive(form.keep_alive);
    if (!answer.take_over && status != 304 && status != 204)
        message.content_length(answer.body.size());
    return message;
}

bool has_body(const HttpAnswer& answer, HttpForm form) { return !answer.take_over && !form.head; }

http::response<http::string_body> message_from(HttpAnswer answer, HttpForm form) {
    auto message = head_from<http::string_body>(answer, form);
    if (has_body(answer, form)) message.body() = std::move(answer.body);
    return message;
}

/// Not by Beast's serializer, which makes the bytes in steps, for a message of any kind.
std::string bytes_of(const HttpAnswer& answer, HttpForm form) {
    const auto head = head_from<http::empty_body>(answer, form);
    std::string bytes;
    bytes.reserve(256);
    bytes.append("HTTP/1.").append(std::to_string(form.version % 10)).append(" ");
    bytes.append(std::to_string(head.result_int())).append(" ");
    bytes.append(head.reason()).append("\r\n");
    for (const auto& field : head)
        bytes.append(field.name_string()).append(": ").append(field.value()).append("\r\n");
    bytes += "\r\n";
    if (has_body(answer, form)) bytes += answer.body;
    return bytes;
}

} // namespace chain::detail
