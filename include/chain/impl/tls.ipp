// Definitions of <chain/tls.hpp>.
#pragma once

#include <chain/detail/stream_of.hpp>
#include <chain/tls.hpp>

#include <boost/asio/ssl/stream.hpp>

#include <stdexcept>
#include <utility>

namespace chain {

namespace detail {

using TlsStream = StreamOf<net::ssl::stream<HttpSocket>>;

std::shared_ptr<net::ssl::context> make_context(const TlsConfig& config) {
    auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_server);
    auto* native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS); // idle connections hold less
    // OpenSSL would ask at the terminal for the password of a key that has one.
    context->set_password_callback(
        [](std::size_t, net::ssl::context::password_purpose) { return std::string(); });
    context->use_certificate_chain_file(config.certificate_chain);
    context->use_private_key_file(config.private_key, net::ssl::context::pem);
    if (SSL_CTX_check_private_key(native) != 1)
        throw std::invalid_argument("chain: the private key is not that of the certificate");
    return context;
}

} // namespace detail

Tls::Tls(TlsConfig config) : config_(std::move(config)), context_(detail::make_context(config_)) {}

void Tls::reload() {
    auto fresh = detail::make_context(config_);
    const std::lock_guard lock(mutex_);
    context_ = std::move(fresh);
}

std::shared_ptr<net::ssl::context> Tls::context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

std::unique_ptr<detail::ByteStream> Tls::wrap(detail::HttpSocket socket) {
    return std::make_unique<detail::TlsStream>(
        net::ssl::stream<detail::HttpSocket>(std::move(socket), *context()));
}

void Tls::handshake(detail::ByteStream& stream, std::function<void(error_code)> done) {
    static_cast<detail::TlsStream&>(stream).stream().async_handshake(net::ssl::stream_base::server,
                                                                     std::move(done));
}

} // namespace chain
