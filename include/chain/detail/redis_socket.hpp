// RedisSocket: one TCP or TLS connection to Redis.
#pragma once

#include <chain/adapters/redis.hpp>
#include <chain/detail/adapter_core.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// One TCP or TLS connection. What is sent while a write runs goes out with the next write, as one.
/// For the strand. Errors are thrown as `boost::system::system_error`.
class RedisSocket : public std::enable_shared_from_this<RedisSocket> {
  public:
    /// @throws system_error when a file of the TLS settings cannot be used
    RedisSocket(const AdapterCore::Strand& strand, const RedisTls& tls);

    net::awaitable<void> connect(RedisAddress address);
    net::awaitable<std::size_t> read_some(net::mutable_buffer buffer);
    /// Collects what `flush` will write.
    std::string& outgoing() noexcept { return outgoing_; }
    void flush();
    void close() noexcept;

  private:
    net::awaitable<void> shake_hands(const std::string& host);
    void written(boost::system::error_code failed);

    RedisTls tls_;
    std::optional<net::ssl::context> context_;
    net::ip::tcp::socket socket_;
    std::optional<net::ssl::stream<net::ip::tcp::socket&>> secure_;
    std::string outgoing_;
    std::string writing_;
    bool busy_ = false;
};

} // namespace chain::detail
