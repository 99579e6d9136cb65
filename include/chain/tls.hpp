// Tls: certificate and key, for `Server` and for servers of the application's own. Link chain::tls.
#pragma once

#include <chain/detail/stream_maker.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/ssl/context.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace chain {

/// What a Tls is made of.
struct TlsConfig {
    std::string certificate_chain; ///< A PEM file: the server's certificate, then intermediates.
    std::string private_key;       ///< A PEM file, not encrypted.
};

/// Certificate and key of a server, which can be replaced while it runs. Speaks TLS 1.2 and 1.3;
/// ciphers are OpenSSL's choice, renegotiation is off. Thread-safe.
///
/// ```cpp
/// auto tls = std::make_shared<chain::Tls>(chain::TlsConfig{"fullchain.pem", "privkey.pem"});
/// chain::Server server{{.port = 443, .tls = tls}};
/// ```
class Tls final : public detail::StreamMaker {
  public:
    /// @throws boost::system::system_error when a file cannot be read, or the key does not fit
    explicit Tls(TlsConfig config);

    /// Reads the files again: connections that come from now on get what is in them, the others go
    /// on.
    /// @throws as the constructor; then what was there stays
    void reload() override;
    /// The context to make the next connection's stream with, in a server of the application's own:
    /// `net::ssl::stream<net::ip::tcp::socket> stream{std::move(socket), *tls->context()}`. The
    /// stream does not need it later.
    std::shared_ptr<net::ssl::context> context() const;

    /// Called by `Server`.
    std::unique_ptr<detail::ByteStream> wrap(detail::HttpSocket socket) override;
    /// Called by `Server`.
    void handshake(detail::ByteStream& stream, std::function<void(error_code)> done) override;

  private:
    TlsConfig config_;
    mutable std::mutex mutex_; ///< Guards the next one.
    std::shared_ptr<net::ssl::context> context_;
};

} // namespace chain
