// Definitions of <chain/detail/http_message.hpp>.
#pragma once

#include <chain/detail/http_message.hpp>

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/status.hpp>

#include <utility>

namespace chain::detail {

void add_peer(Request& request, Peer peer, bool encrypted) {
    request.peer_address = std::move(peer.address);
    request.peer_port = peer.port;
    request.tls = encrypted;
}

/// Calls `add` with the name and the value of each field.
template <class Add>
void for_each_field(const HttpAnswer& answer, HttpForm form, Add add) {
    for (const auto& [name, value] : answer.headers) add(name, value);
    const bool goes_on_unsaid = form.version >= 11; // RFC 9112, section 9.3
    if (answer.status != 101 && form.keep_alive != goes_on_unsaid)
        add("Connection", form.keep_alive ? "keep-alive" : "close");
    if (!answer.take_over && answer.status != 304 && answer.status != 204)
        add("Content-Length", std::to_string(answer.body.size()));
}

bool has_body(const HttpAnswer& answer, HttpForm form) { return !answer.take_over && !form.head; }

http::response<http::string_body> message_from(HttpAnswer answer, HttpForm form) {
    const auto status = static_cast<unsigned>(answer.status);
    http::response<http::string_body> message(http::int_to_status(status), form.version);
    message.result(status);
    for_each_field(answer, form, [&](std::string_view name, std::string_view value) {
        message.insert(name, value);
    });
    if (has_body(answer, form)) message.body() = std::move(answer.body);
    return message;
}

/// Not by Beast's message and serializer, which take several times as long.
std::string bytes_of(const HttpAnswer& answer, HttpForm form) {
    const auto status = static_cast<unsigned>(answer.status);
    std::string bytes;
    bytes.reserve(256 + answer.body.size());
    bytes.append("HTTP/1.").append(std::to_string(form.version % 10)).append(" ");
    bytes.append(std::to_string(status)).append(" ");
    bytes.append(http::obsolete_reason(http::int_to_status(status))).append("\r\n");
    for_each_field(answer, form, [&](std::string_view name, std::string_view value) {
        bytes.append(name).append(": ").append(value).append("\r\n");
    });
    bytes += "\r\n";
    if (has_body(answer, form)) bytes += answer.body;
    return bytes;
}

} // namespace chain::detail
