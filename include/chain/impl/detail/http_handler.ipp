// Definitions of <chain/detail/http_handler.hpp>.
#pragma once

#include <chain/detail/client_files.hpp>
#include <chain/detail/endpoint.hpp>
#include <chain/detail/forwards.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/http_handler.hpp>
#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <utility>

namespace chain::detail {

void set_up_http(HandlerCore& handler) {
    std::call_once(handler.http_ready(), [&] {
        if (handler.transports().empty())
            HandlerAccess::wrap({&handler, [](HandlerCore*) {}})
                .add(std::make_shared<WebSocketTransport>())
                .add(std::make_shared<SseTransport>())
                .add(std::make_shared<LongPollTransport>());
        Forwards::set_up(handler);
    });
}

/// What follows the endpoint's slash.
std::string_view below(const HandlerCore& handler, std::string_view path) noexcept {
    const auto rest = below_endpoint(handler.config().endpoint, path).value_or("");
    return rest.empty() ? rest : rest.substr(1);
}

HttpTransport* transport_for(HandlerCore& handler, std::string_view path) {
    const auto name = below(handler, path);
    for (const auto& transport : handler.transports())
        if (transport->name() == name) return dynamic_cast<HttpTransport*>(transport.get());
    return nullptr;
}

void complete(const HandlerCore& handler, Request& request) {
    handler.proxies().apply(request);
    add_path_params(request, handler.config().endpoint);
}

HttpAnswer refuse_unread(HandlerCore& handler, Request request, int status, std::string_view why) {
    if (status == 413) handler.over_limit("body_bytes");
    set_up_http(handler);
    complete(handler, request);
    const auto* transport = transport_for(handler, request.path());
    return transport ? transport->refuse(request, status, why)
                     : plain_text(status, std::string(why) + '\n');
}

HttpAnswer refuse_body(HandlerCore& handler, const HttpTransport& transport,
                       const Request& request) {
    handler.over_limit("body_bytes");
    return transport.refuse(request, 413, "too long");
}

void serve_request(HandlerCore& handler, const Place& place, Request&& request,
                   HttpTransport::Respond respond) {
    set_up_http(handler);
    complete(handler, request);
    auto* transport = transport_for(handler, request.path());
    if (!transport) {
        respond(client_answer(request, below(handler, request.path())));
    } else if (request.body.size() > handler.config().limits.body_bytes) {
        respond(refuse_body(handler, *transport, request));
    } else if (!Forwards::of(handler).forward(place, *transport, request, respond)) {
        transport->serve(place, std::move(request), std::move(respond));
    }
}

HttpAnswer plain_text(int status, std::string text) {
    return {status,
            {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
            std::move(text),
            {}};
}

HttpAnswer not_found() { return plain_text(404, "not found\n"); }

HttpAnswer wrong_method(std::string_view allowed) {
    auto answer = plain_text(405, "method not allowed\n");
    answer.headers.emplace_back("Allow", allowed);
    return answer;
}

HttpAnswer cacheable(const Request& request, std::string_view type, std::string etag,
                     std::string body) {
    HttpAnswer answer{
        200,
        {{"ETag", etag}, {"Cache-Control", "no-cache"}, {"X-Content-Type-Options", "nosniff"}},
        {},
        {}};
    const auto known = request.header("If-None-Match");
    if (known && (known == "*" || known->find(etag) != std::string_view::npos)) {
        answer.status = 304;
    } else {
        answer.headers.emplace_back("Content-Type", type);
        answer.body = std::move(body);
    }
    return answer;
}

HttpAnswer client_answer(const Request& request, std::string_view name) {
    for (const auto& file : client_files()) {
        if (file.name != name) continue;
        if (request.method != "GET" && request.method != "HEAD") return wrong_method("GET, HEAD");
        return cacheable(request, file.content_type, std::string(file.etag),
                         std::string(file.content));
    }
    return not_found();
}

} // namespace chain::detail
