// NatsAdapter: nodes that meet at NATS servers.
#pragma once

#include <chain/detail/broker_adapter.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain {

/// TLS towards NATS.
struct NatsTls {
    bool enabled = false;         ///< Speak TLS at all.
    bool verify = true;           ///< Check the server's certificate and name.
    std::string ca_file = {};     ///< PEM; empty means the system's authorities.
    std::string cert_file = {};   ///< PEM; the client's certificate, if the server wants one.
    std::string key_file = {};    ///< PEM; its key.
    std::string server_name = {}; ///< What the certificate is for; empty means the host.
};

/// Settings of a NatsAdapter.
struct NatsConfig {
    /// Servers of one NATS cluster; each node tries them in an order of its own.
    std::vector<std::string> servers = {"nats://127.0.0.1:4222"};
    std::string prefix = "chain";      ///< First part of all subjects: one per cluster.
    std::string user = {};             ///< With `password`.
    std::string password = {};         ///< With `user`.
    std::string token = {};            ///< Instead of them.
    std::string credentials_file = {}; ///< Instead of them: a file with a JWT and a seed.
    NatsTls tls = {};                  ///< For all servers.

    std::chrono::milliseconds grace{1'000}; ///< A topic is left so long after its last subscriber.
    std::chrono::milliseconds connect{2'000}; ///< For a connection to come about.
    std::chrono::milliseconds ping{2'000};    ///< The server is asked for a sign of life so often.
    int pings = 2; ///< After so many without any word, and one more, the connection is cut.
    std::chrono::milliseconds reconnect{500}; ///< Pause before each round of all servers.
    std::chrono::milliseconds jitter{500};    ///< Up to so much more, by chance.
    std::size_t backlog_bytes = 64 << 20;     ///< Not sent yet; more is `Errc::adapter_full`.
    int waiting_messages = 65'536; ///< Received on a topic, not handed over yet; more are lost.
};

/// Carries publications through NATS. Its socket is served by the application's executor; the NATS
/// library adds a thread that delivers, one for its timers, and one while it reconnects.
///
/// At most once, in order per publisher and topic. Publications are refused with
/// `Errc::adapter_down` while no server can be reached. `start`, hence `PubSub::attach`, tries to
/// connect for at most `NatsConfig::connect`, then goes on trying beside; it throws
/// std::invalid_argument when the NATS library rejects the settings, or a server the node.
class NatsAdapter final : public detail::BrokerAdapter {
  public:
    /// @param executor  of an io_context that the application runs, on any number of threads; the
    /// io_context may end before the adapter or after it
    /// @param config  where NATS is, and how to speak to it
    NatsAdapter(net::any_io_executor executor, NatsConfig config = {});
};

} // namespace chain
