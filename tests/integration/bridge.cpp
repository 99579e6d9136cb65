// Definitions of support/bridge.hpp and support/certificate.hpp.
#include "support/bridge.hpp"
#include "support/certificate.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <stdlib.h>
#include <thread>

namespace test {

namespace net = boost::asio;
using net::ip::tcp;
using TlsStream = net::ssl::stream<tcp::socket>;

namespace {

constexpr auto quietly = net::as_tuple(net::use_awaitable);

/// Passes on what comes from one side; its end ends the other.
template <class From, class To>
net::awaitable<void> pump(std::shared_ptr<From> from, std::shared_ptr<To> to,
                          std::function<void()> at_end) {
    std::array<char, 16 * 1024> bytes;
    for (;;) {
        const auto [failed, count] = co_await from->async_read_some(net::buffer(bytes), quietly);
        if (failed) break;
        const auto [broken, sent] =
            co_await net::async_write(*to, net::buffer(bytes, count), quietly);
        if (broken) break;
    }
    at_end();
}

template <class Far>
void join(const std::shared_ptr<tcp::socket>& near, const std::shared_ptr<Far>& far) {
    const auto executor = near->get_executor();
    boost::system::error_code ignored;
    near->set_option(tcp::no_delay(true), ignored);
    auto end_near = [near] {
        boost::system::error_code e;
        near->shutdown(tcp::socket::shutdown_send, e);
    };
    auto end_far = [far] {
        boost::system::error_code e;
        far->lowest_layer().shutdown(tcp::socket::shutdown_send, e);
    };
    net::co_spawn(executor, pump(near, far, end_far), net::detached);
    net::co_spawn(executor, pump(far, near, end_near), net::detached);
}

} // namespace

struct Bridge::State {
    net::io_context context;
    tcp::acceptor acceptor{context, {net::ip::address_v4::loopback(), 0}};
    net::ssl::context tls{net::ssl::context::tls_client};
    std::uint16_t tls_port = 0;
    std::string path;
    std::atomic<long> serial{0};
    std::thread thread;

    net::awaitable<void> connect_tls(std::shared_ptr<tcp::socket> near) {
        auto far = std::make_shared<TlsStream>(context, tls);
        const tcp::endpoint server(net::ip::address_v4::loopback(), tls_port);
        co_await far->next_layer().async_connect(server, net::use_awaitable);
        co_await far->async_handshake(TlsStream::client, net::use_awaitable);
        auto* certificate = SSL_get1_peer_certificate(far->native_handle());
        serial = ASN1_INTEGER_get(X509_get0_serialNumber(certificate));
        X509_free(certificate);
        join(near, far);
    }
    net::awaitable<void> connect_unix(std::shared_ptr<tcp::socket> near) {
        auto far = std::make_shared<net::local::stream_protocol::socket>(context);
        co_await far->async_connect({path}, net::use_awaitable);
        join(near, far);
    }
    net::awaitable<void> listen() {
        for (;;) {
            auto near =
                std::make_shared<tcp::socket>(co_await acceptor.async_accept(net::use_awaitable));
            net::co_spawn(context, tls_port != 0 ? connect_tls(near) : connect_unix(near),
                          net::detached);
        }
    }
    void start() {
        net::co_spawn(context, listen(), net::detached);
        thread = std::thread([this] { context.run(); });
    }
};

Bridge::Bridge(std::shared_ptr<State> state) : state_(std::move(state)) { state_->start(); }
Bridge::Bridge(Bridge&&) noexcept = default;
Bridge::~Bridge() {
    if (!state_) return;
    state_->context.stop();
    state_->thread.join();
}

Bridge Bridge::to_tls(std::uint16_t port) {
    auto state = std::make_shared<State>();
    state->tls_port = port;
    return Bridge(std::move(state));
}

Bridge Bridge::to_unix(const std::string& path) {
    auto state = std::make_shared<State>();
    state->path = path;
    return Bridge(std::move(state));
}

std::uint16_t Bridge::port() const { return state_->acceptor.local_endpoint().port(); }
long Bridge::serial() const { return state_->serial; }

Certificate::Certificate() {
    auto name = (std::filesystem::temp_directory_path() / "chain-tls-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    folder_ = name;
    renew();
}

Certificate::~Certificate() { std::filesystem::remove_all(folder_); }

long Certificate::renew() {
    auto* key = EVP_EC_gen("P-256");
    auto* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    auto* name = X509_get_subject_name(certificate);
    const auto* host = reinterpret_cast<const unsigned char*>("localhost");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    auto* file = std::fopen(chain().c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(this->key().c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return serial_;
}

} // namespace test
