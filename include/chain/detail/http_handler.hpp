// What a handler answers to the HTTP requests below its endpoint.
#pragma once

#include <chain/detail/http_transport.hpp>
#include <chain/fwd.hpp>
#include <chain/request.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace chain::detail {

/// Gives a handler without any transport one for WebSocket, one for SSE and one for long-polling,
/// and has it serve what other nodes forward to it. Thread-safe.
void set_up_http(HandlerCore& handler);
/// Fills in what follows from the handler's settings: what a trusted proxy says, and the parameters
/// in the path. Before anything is decided on the request.
void complete(const HandlerCore& handler, Request& request);
/// The handler's transport that a path is for, or null.
HttpTransport* transport_for(HandlerCore& handler, std::string_view path);
/// The answer to a request that is refused before its body is read: a transport says it in its own
/// way, as a page of another origin is not to take it for a broken connection.
HttpAnswer refuse_unread(HandlerCore& handler, Request request, int status, std::string_view why);
/// The answer to a request whose body is over the handler's limit.
HttpAnswer refuse_body(HandlerCore& handler, const HttpTransport& transport,
                       const Request& request);
/// Answers a request whose target the handler serves. On the executor of `place`.
void serve_request(HandlerCore& handler, const Place& place, Request&& request,
                   HttpTransport::Respond respond);

/// Answers for the browser client's file of this name; 404 when there is none, 405 for other
/// methods than GET and HEAD.
HttpAnswer client_answer(const Request& request, std::string_view name);
/// 304 when the client has this version already.
HttpAnswer cacheable(const Request& request, std::string_view type, std::string etag,
                     std::string body);
/// A short text as answer.
HttpAnswer plain_text(int status, std::string text);
HttpAnswer not_found();
/// 405 with the methods that are allowed.
HttpAnswer wrong_method(std::string_view allowed);

} // namespace chain::detail
