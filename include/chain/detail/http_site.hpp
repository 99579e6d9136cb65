// HttpSite: what a Server answers to HTTP requests.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/handler.hpp>
#include <chain/server.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// What a Server answers: its handlers, the browser client, health, metrics, and static files.
/// Immutable while it serves, but for the flags.
class HttpSite {
  public:
    /// @throws std::invalid_argument when a path of the settings does not fit
    explicit HttpSite(const ServerConfig& config);

    const ServerConfig& config() const noexcept { return config_; }
    /// @throws std::invalid_argument when the endpoint is taken
    void mount(Handler handler);
    const std::vector<Handler>& handlers() const noexcept { return handlers_; }

    void set_draining() noexcept { draining_ = true; }
    bool draining() const noexcept { return draining_; }

    /// The answer to a request that is refused before its body is read.
    HttpAnswer refuse(Request request, int status, std::string_view why) const;
    /// Answers a request. On the executor of `place`.
    void serve(const Place& place, Request&& request, HttpTransport::Respond respond) const;

  private:
    /// Answers a request that is for no handler.
    HttpAnswer answer(const Request& request) const;
    HttpAnswer static_file(const Request& request) const;
    HttpAnswer readiness() const;
    HttpAnswer metrics() const;

    ServerConfig config_;
    std::vector<Handler> handlers_;
    std::atomic<bool> draining_{false};
};

/// Serves a connection's requests until it ends or a transport takes it over.
void serve_http(HttpSocket socket, const net::ip::tcp::endpoint& peer,
                std::shared_ptr<HttpSite> site);

} // namespace chain::detail
