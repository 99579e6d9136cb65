// HttpSite: what a Server answers to HTTP requests.
#pragma once

#include <chain/detail/http_transport.hpp>
#include <chain/handler.hpp>
#include <chain/server.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

using HttpSocket = net::basic_stream_socket<net::ip::tcp, net::io_context::executor_type>;

/// A short text as answer.
HttpAnswer plain_text(int status, std::string text);

/// What a Server answers: its handlers, the browser client, health, and static files. Immutable
/// while it serves, but for the flags.
class HttpSite {
  public:
    explicit HttpSite(const ServerConfig& config) : config_(config) {}

    const ServerConfig& config() const noexcept { return config_; }
    /// @throws std::invalid_argument when the endpoint is taken
    void mount(Handler handler);
    const std::vector<Handler>& handlers() const noexcept { return handlers_; }

    void set_draining() noexcept { draining_ = true; }
    bool draining() const noexcept { return draining_; }

    /// The transport that a request is for, or null.
    HttpTransport* transport(std::string_view path) const noexcept;
    /// Answers a request that is for no transport.
    HttpAnswer answer(const Request& request) const;

  private:
    HttpAnswer client_file(const Request& request, std::string_view name) const;
    HttpAnswer static_file(const Request& request) const;
    HttpAnswer health(bool good) const;

    ServerConfig config_;
    std::vector<Handler> handlers_;
    std::atomic<bool> draining_{false};
};

/// Serves a connection's requests until it ends or a transport takes it over.
void serve_http(HttpSocket socket, net::io_context& context, std::shared_ptr<HttpSite> site);

} // namespace chain::detail
