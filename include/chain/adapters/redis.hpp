// RedisAdapter: nodes that meet at a Redis server.
#pragma once

#include <chain/detail/broker_adapter.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain {

/// How messages travel through Redis.
enum class RedisMode : std::uint8_t {
    pubsub,  ///< Redis' own pub/sub: lowest latency; what is sent while a node is cut off is lost.
    streams, ///< 64 streams: slower, but nodes read on after an outage where they stopped.
};

/// Where a server listens.
struct RedisAddress {
    std::string host = "127.0.0.1"; ///< A name or an IP address.
    std::uint16_t port = 6379;      ///< Its TCP port.
};

/// TLS towards Redis.
struct RedisTls {
    bool enabled = false;         ///< Speak TLS at all.
    bool verify = true;           ///< Check the server's certificate and name.
    std::string ca_file = {};     ///< PEM; empty means the system's authorities.
    std::string cert_file = {};   ///< PEM; the client's certificate, if the server wants one.
    std::string key_file = {};    ///< PEM; its key.
    std::string server_name = {}; ///< What the certificate is for; empty means the host.
};

/// Settings of a RedisAdapter.
struct RedisConfig {
    RedisAddress server = {};           ///< Where Redis is, unless `sentinels` know it.
    RedisMode mode = RedisMode::pubsub; ///< How messages travel.
    std::string user = {};              ///< Empty means Redis' default user.
    std::string password = {};          ///< Empty means no AUTH.
    unsigned database = 0;              ///< For streams; pub/sub knows no databases.
    std::string prefix = "chain:";      ///< Of all channels and keys: one per cluster.
    RedisTls tls = {};                  ///< For the server; sentinels too.

    /// Sentinels that know where the master is; empty means `server` is it.
    std::vector<RedisAddress> sentinels = {};
    std::string master = "mymaster";    ///< Its name at the sentinels.
    std::string sentinel_user = {};     ///< As `user`, for the sentinels.
    std::string sentinel_password = {}; ///< As `password`, for the sentinels.

    std::chrono::milliseconds grace{1'000}; ///< A topic is left so long after its last subscriber.
    std::chrono::milliseconds connect{5'000}; ///< For a connection to come about.
    std::chrono::milliseconds ping{2'000};    ///< A silent server is asked for a sign of life.
    std::chrono::milliseconds answer{3'000};  ///< For the sign of life; then the connection is cut.
    std::chrono::milliseconds reconnect_min{100}; ///< First pause before another attempt.
    std::chrono::milliseconds reconnect_max{
        5'000}; ///< The longest; each is doubled, less a random part.
    std::size_t backlog_bytes =
        64 << 20; ///< Not answered by the server yet; more is `Errc::adapter_full`.
    std::size_t stream_length = 10'000; ///< Entries that each of the 64 streams keeps, about.
};

/// Carries publications through a Redis server (6.2 or newer), over two connections on the
/// application's executor. It has no threads.
///
/// Messages of one publisher on one topic arrive in order. In pub/sub mode publications are refused
/// with `Errc::adapter_down` while the server cannot be reached; in streams mode they are kept, up
/// to `backlog_bytes`, and each arrives once, unless a stream was trimmed first, which is reported.
class RedisAdapter final : public detail::BrokerAdapter {
  public:
    /// @param executor  of an io_context that the application runs, on any number of threads; the
    /// io_context may end before the adapter or after it
    /// @param config  where Redis is, and how to speak to it
    RedisAdapter(net::any_io_executor executor, RedisConfig config = {});

    /// Bytes that Redis has not answered yet. Thread-safe.
    std::size_t backlog() const noexcept;
};

} // namespace chain
