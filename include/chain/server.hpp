// Server: a ready-made HTTP server for handlers and static files.
#pragma once

#include <chain/error.hpp>
#include <chain/handler.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace chain {

namespace detail {
class ServerCore;
class StreamMaker;
} // namespace detail

/// Settings of a Server.
struct ServerConfig {
    std::string address = "";    ///< IP address to listen at; empty means all, IPv6 and IPv4.
    std::uint16_t port = 8080;   ///< 0 lets the system choose; see `Server::port`.
    unsigned threads = 0;        ///< Each runs one io_context; 0 means one per core.
    std::string static_dir = ""; ///< Files of this folder are served at `/`; empty means none.
    std::string client_path =
        "/"; ///< The folder of the browser client, as `/assets/`; empty: only below endpoints.
    std::shared_ptr<detail::StreamMaker> tls =
        {}; ///< A `chain::Tls` (<chain/tls.hpp>); empty means plain HTTP.
    std::chrono::milliseconds request_timeout{
        10'000}; ///< For a request to arrive, and between requests of one connection.
    std::chrono::milliseconds drain_deadline{
        10'000};                          ///< For sessions to end when the server stops.
    std::size_t header_bytes = 16 * 1024; ///< Largest request header; more is answered 431.
    std::size_t body_bytes = 64 * 1024;   ///< Largest request body; more is answered 413.
    bool ready_without_broker = false;    ///< `/readyz` looks at no adapter.
    std::function<std::string()> metrics =
        {}; ///< The text of `/metrics` for Prometheus, as `PrometheusObserver::text`; called on any
            ///< of the server's threads, also on several at once; what it throws is answered 500.
            ///< Empty means no such page.
};

/// A ready-made HTTP server: handlers, static files, the browser client at `/chain.js`, `/healthz`
/// (200 while it runs) and `/readyz` (503 once it drains, or while an adapter does not reach its
/// broker), and `/metrics` where `ServerConfig::metrics` is set. One io_context per thread.
class Server {
  public:
    /// Opens nothing yet: see `listen`, `run` and `start`.
    /// @throws std::invalid_argument when `static_dir` is no folder, `client_path` no path, or
    /// `request_timeout` no time
    explicit Server(ServerConfig config = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// Stops without a drain, if it still runs.
    ~Server();

    /// Serves a handler at its endpoint. A handler without a transport gets a WebSocketTransport,
    /// an SseTransport and a LongPollTransport. Before `run` or `start`.
    /// @throws std::invalid_argument when the endpoint is taken
    Server& mount(Handler handler);
    /// Opens the port.
    /// @throws boost::system::system_error when it cannot be opened
    Server& listen();
    /// Of the first thread's io_context: for adapters and the like.
    net::any_io_executor executor() const noexcept;
    /// The port that is listened at; 0 before `listen`.
    std::uint16_t port() const noexcept;
    /// Serves until SIGINT, SIGTERM or `stop`, then drains: nobody new is let in, sessions end as
    /// `Handler::drain` says. A second signal ends it at once.
    void run();
    /// Serves on threads of its own and returns. Signals are left to the application.
    void start();
    /// Drains and ends `run`, or what `start` has begun; waits for the latter, unless called on one
    /// of its threads. Thread-safe.
    void stop();

    /// Reads certificate and key again: connections that come from now on get the new ones, the
    /// others go on. Thread-safe.
    /// @throws boost::system::system_error when they cannot be used; the old ones stay
    /// @throws std::logic_error without TLS
    void reload_tls();

  private:
    std::unique_ptr<detail::ServerCore> core_;
};

} // namespace chain
