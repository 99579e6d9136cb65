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

void append_field(std::string& bytes, std::string_view name, std::string_view value) {
    bytes.append(name).append(": ").append(value).append("\r\n");
}

/// Not by Beast's serializer, which makes the bytes in steps, for a message of any kind.
std::string bytes_of(const HttpAnswer& answer, HttpForm form) {
    const auto status = static_cast<unsigned>(answer.status);
    std::string bytes;
    bytes.reserve(256);
    bytes.append("HTTP/1.").append(std::to_string(form.version % 10)).append(" ");
    bytes.append(std::to_string(status)).append(" ");
    bytes.append(http::obsolete_reason(http::int_to_status(status))).append("\r\n");
    if (status == 101) { // has no other fields
        for (const auto& [name, value] : answer.headers) append_field(bytes, name, value);
    } else {
        for (const auto& field : head_from<http::empty_body>(answer, form))
            append_field(bytes, field.name_string(), field.value());
    }
    bytes += "\r\n";
    if (has_body(answer, form)) bytes += answer.body;
    return bytes;
}

} // namespace chain::detail
