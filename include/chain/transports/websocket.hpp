// WebSocketTransport: clients over WebSocket.
#pragma once

#include <chain/detail/http_transport.hpp>

namespace chain {

/// Clients over WebSocket (RFC 6455) at `{endpoint}/websocket`: one frame per text message.
/// `Server` adds one to handlers without any transport.
///
/// A browser is let in from the endpoint's own origin and from `HandlerConfig::allowed_origins`
/// only.
class WebSocketTransport final : public detail::HttpTransport {
  public:
    /// "websocket".
    std::string_view name() const noexcept override { return "websocket"; }
    /// Called by `Handler::add`.
    void configure(Handler& handler) override;
    /// Answers a request; called by servers.
    void serve(const detail::Place& place, Request request, Respond respond) override;
    /// The node that gave the token with which the client wants to resume.
    std::optional<detail::RandomId> owner(const Request& request) const override;
    /// The lane of the session that the client wants to resume.
    detail::Ref<detail::Lane> home(const Request& request) const override;

  private:
    std::weak_ptr<detail::HandlerCore> handler_;
};

} // namespace chain
