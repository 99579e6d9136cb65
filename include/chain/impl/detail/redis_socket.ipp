// Definitions of <chain/detail/redis_socket.hpp>.
#pragma once

#include <chain/detail/redis_socket.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace chain::detail {

net::ssl::context redis_tls_context(const RedisTls& tls) {
    net::ssl::context context(net::ssl::context::tls_client);
    context.set_verify_mode(tls.verify ? net::ssl::verify_peer : net::ssl::verify_none);
    if (tls.ca_file.empty())
        context.set_default_verify_paths();
    else
        context.load_verify_file(tls.ca_file);
    if (!tls.cert_file.empty()) context.use_certificate_chain_file(tls.cert_file);
    if (!tls.key_file.empty()) context.use_private_key_file(tls.key_file, net::ssl::context::pem);
    return context;
}

RedisSocket::RedisSocket(const AdapterCore::Strand& strand, const RedisTls& tls)
    : tls_(tls), socket_(strand) {
    if (!tls.enabled) return;
    context_.emplace(redis_tls_context(tls));
    secure_.emplace(socket_, *context_);
}

net::awaitable<void> RedisSocket::connect(RedisAddress address) {
    const auto self = shared_from_this();
    boost::system::error_code named;
    const auto numeric = net::ip::make_address(address.host, named);
    if (!named) {
        co_await socket_.async_connect({numeric, address.port}, net::use_awaitable);
    } else {
        net::ip::tcp::resolver resolver(socket_.get_executor());
        const auto found = co_await resolver.async_resolve(
            address.host, std::to_string(address.port), net::use_awaitable);
        co_await net::async_connect(socket_, found, net::use_awaitable);
    }
    socket_.set_option(net::ip::tcp::no_delay(true));
    socket_.set_option(net::socket_base::keep_alive(true));
    if (secure_) co_await shake_hands(address.host);
}

net::awaitable<void> RedisSocket::shake_hands(const std::string& host) {
    const auto name = tls_.server_name.empty() ? host : tls_.server_name;
    boost::system::error_code named;
    net::ip::make_address(name, named);
    if (named) SSL_set_tlsext_host_name(secure_->native_handle(), name.c_str());
    if (tls_.verify) secure_->set_verify_callback(net::ssl::host_name_verification(name));
    co_await secure_->async_handshake(net::ssl::stream_base::client, net::use_awaitable);
}

net::awaitable<std::size_t> RedisSocket::read_some(net::mutable_buffer buffer) {
    return secure_ ? secure_->async_read_some(buffer, net::use_awaitable)
                   : socket_.async_read_some(buffer, net::use_awaitable);
}

void RedisSocket::flush() {
    if (busy_ || outgoing_.empty()) return;
    busy_ = true;
    writing_.clear();
    writing_.swap(outgoing_);
    auto done = [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
        self->written(failed);
    };
    if (secure_)
        net::async_write(*secure_, net::buffer(writing_), std::move(done));
    else
        net::async_write(socket_, net::buffer(writing_), std::move(done));
}

void RedisSocket::written(boost::system::error_code failed) {
    busy_ = false;
    if (failed)
        close();
    else
        flush();
}

void RedisSocket::close() noexcept {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

} // namespace chain::detail
