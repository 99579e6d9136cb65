// Definitions of <chain/transports/websocket.hpp>.
#pragma once

#include <chain/detail/base64.hpp>
#include <chain/detail/carry.hpp>
#include <chain/detail/dialect.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/subprotocol.hpp>
#include <chain/detail/text.hpp>
#include <chain/detail/unclaimed.hpp>
#include <chain/detail/ws_connection.hpp>
#include <chain/detail/ws_deflate.hpp>
#include <chain/transports/websocket.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace chain {

namespace detail {

/// Is `token` an element of a comma-separated header field?
bool has_token(std::optional<std::string_view> field, std::string_view token) noexcept {
    while (field && !field->empty()) {
        if (equals_ignoring_case(trim_spaces(take_until(*field, ',')), token)) return true;
    }
    return false;
}

/// Found once; OpenSSL would look EVP_sha1() up for each digest.
const EVP_MD* sha1() {
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> found(
        EVP_MD_fetch(nullptr, "SHA1", nullptr), &EVP_MD_free);
    return found.get();
}

/// The answer to a client's Sec-WebSocket-Key, RFC 6455 section 4.2.2.
std::string accept_key(std::string_view key) {
    const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest, &size, sha1(), nullptr);
    return base64_encode({reinterpret_cast<const char*>(digest), size});
}

/// The answer to a client that is not let in; Phoenix's get no body.
HttpAnswer refuse_socket(const Request& request, int status, std::string_view reason) {
    if (has_vsn(request)) return {.status = status, .headers = {{"Cache-Control", "no-store"}}};
    return refuse_request(status, reason);
}

/// Why a request is no WebSocket handshake, if it is none.
std::optional<HttpAnswer> check_handshake(const Request& request) {
    if (request.method != "GET") {
        auto answer = refuse_request(405, "use GET");
        answer.headers.emplace_back("Allow", "GET");
        return answer;
    }
    if (!has_token(request.header("Upgrade"), "websocket") ||
        !has_token(request.header("Connection"), "upgrade")) {
        auto answer = refuse_request(426, "this is a WebSocket endpoint");
        answer.headers.emplace_back("Upgrade", "websocket");
        return answer;
    }
    if (request.header("Sec-WebSocket-Version") != "13") {
        auto answer = refuse_request(426, "WebSocket version 13 is needed");
        answer.headers.emplace_back("Sec-WebSocket-Version", "13");
        return answer;
    }
    const auto key = request.header("Sec-WebSocket-Key");
    if (!key || key->size() != 24)
        return refuse_request(400, "Sec-WebSocket-Key is missing or malformed");
    return std::nullopt;
}

/// What is answered to the client's offers of compression, if one is accepted.
std::string_view agree_on_compression(const Request& request, const Compression& compression) {
    for (const auto& [name, value] : request.headers) {
        if (!compression.enabled || !equals_ignoring_case(name, "Sec-WebSocket-Extensions"))
            continue;
        if (const auto answer = answer_deflate(value)) return *answer;
    }
    return {};
}

/// What client and server agree on in the handshake.
struct Handshake {
    std::string accept;
    std::string subprotocol;      ///< Empty when there is none.
    std::string_view compression; ///< The answer to the client's offer; empty when there is none.

    Framing framing() const noexcept {
        return compression.empty() ? Framing::websocket : Framing::websocket_deflate;
    }
};

/// The answer that makes the connection one of `session`. A session that was resumed lives on
/// without it, and has a claim; a new one has none.
HttpAnswer upgrade(const Session& session, std::uint32_t claim, const Handshake& agreed) {
    HttpAnswer answer;
    answer.status = 101;
    answer.headers.reserve(5);
    answer.headers.emplace_back("Upgrade", "websocket");
    answer.headers.emplace_back("Connection", "Upgrade");
    answer.headers.emplace_back("Sec-WebSocket-Accept", agreed.accept);
    if (!agreed.subprotocol.empty())
        answer.headers.emplace_back("Sec-WebSocket-Protocol", agreed.subprotocol);
    if (!agreed.compression.empty())
        answer.headers.emplace_back("Sec-WebSocket-Extensions", agreed.compression);
    const auto& core = SessionAccess::core(session);
    auto unclaimed = std::make_shared<Unclaimed>(claim == 0 ? core : nullptr);
    answer.take_over = [unclaimed, core, claim, framing = agreed.framing()](
                           std::unique_ptr<ByteStream> stream, std::string received) {
        auto start = [unclaimed, claim, received](WsConnection& connection) {
            unclaimed->session = nullptr;
            connection.start(claim, received);
        };
        carry<WsConnection>(std::move(stream), core, std::move(start), framing);
    };
    return answer;
}

} // namespace detail

void WebSocketTransport::configure(Handler& handler) {
    handler_ = detail::HandlerAccess::core(handler)->weak_from_this();
}

void WebSocketTransport::serve(const detail::Place& place, Request request, Respond respond) {
    const auto handler = handler_.lock();
    if (!handler) return respond(detail::refuse_request(503, "closed"));
    if (auto wrong = detail::check_handshake(request)) {
        if (detail::has_vsn(request)) wrong->status = 400; // as Phoenix answers
        return respond(std::move(*wrong));
    }
    if (!handler->allows_page(request)) {
        const auto origin = std::string(*request.header("Origin"));
        const auto host = std::string(request.header("Host").value_or(""));
        handler->notify([&](Observer& o) {
            o.log(LogLevel::warning,
                  "refused a WebSocket from origin \"" + origin + "\" at host \"" + host +
                      "\"; to allow it: HandlerConfig{.allowed_origins = {\"" + origin + "\"}}");
        });
        return respond(detail::refuse_socket(request, 403, "origin not allowed"));
    }
    const auto wish = detail::take_resume_request(request);
    auto subprotocol = detail::read_subprotocols(request, handler->config());
    if (subprotocol.refusal != 0)
        return respond(detail::refuse_socket(request, subprotocol.refusal, subprotocol.reason));
    if (subprotocol.chosen.empty()) subprotocol.chosen = wish.subprotocol;
    detail::read_auth_header(request, handler->config());
    detail::Handshake agreed{detail::accept_key(*request.header("Sec-WebSocket-Key")),
                             std::move(subprotocol.chosen),
                             detail::agree_on_compression(request, handler->config().compression)};
    const auto framing = agreed.framing();
    auto entered = [agreed = std::move(agreed), respond = std::move(respond)](ConnectResult result,
                                                                              std::uint32_t claim) {
        respond(result ? detail::upgrade(*result, claim, agreed)
                       : detail::refuse_connect(result.error()));
    };
    handler->enter(place, std::move(request), wish, framing, std::move(entered));
}

std::optional<detail::RandomId> WebSocketTransport::owner(const Request& request) const {
    return detail::node_of(detail::read_resume_request(request));
}

detail::Ref<detail::Lane> WebSocketTransport::home(const Request& request) const {
    const auto handler = handler_.lock();
    return handler ? handler->home_of(detail::read_resume_request(request).token) : nullptr;
}

} // namespace chain
