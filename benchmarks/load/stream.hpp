// A connection's bytes: over plain TCP, or over TLS by OpenSSL.
#pragma once

#include "../net.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <stdexcept>
#include <string_view>

namespace bench {

/// A client's settings for TLS; certificates are not looked at, as they are the benchmark's own.
class TlsClient {
  public:
    TlsClient() : context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free} {
        SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                             SSL_MODE_RELEASE_BUFFERS);
    }
    SSL* wrap(int fd) const {
        SSL* ssl = SSL_new(context_.get());
        SSL_set_fd(ssl, fd);
        SSL_set_connect_state(ssl);
        return ssl;
    }

  private:
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

/// Reads and writes as `recv` and `send` do, `errno` included.
class Stream {
  public:
    Stream() = default;
    explicit Stream(Fd fd) : fd_{std::move(fd)} {}

    int fd() const { return fd_.get(); }
    /// Bytes are encrypted from now on; then `shake_hands` until it is done.
    void encrypt(const TlsClient& tls) { ssl_.reset(tls.wrap(fd())); }
    bool shake_hands() {
        const int result = SSL_do_handshake(ssl_.get());
        if (result == 1) return true;
        if (blocked(result)) return false;
        throw std::runtime_error{"the TLS handshake failed"};
    }
    ssize_t read(char* to, std::size_t size) {
        if (!ssl_) return recv(fd(), to, size, 0);
        ERR_clear_error();
        const int got = SSL_read(ssl_.get(), to, static_cast<int>(size));
        return got > 0 || blocked(got) ? got : 0;
    }
    ssize_t write(std::string_view bytes) {
        if (!ssl_) return send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (bytes.empty()) return 0;
        ERR_clear_error();
        const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
        if (sent <= 0 && !blocked(sent)) errno = EPIPE;
        return sent > 0 ? sent : -1;
    }

  private:
    bool blocked(int result) {
        const int why = SSL_get_error(ssl_.get(), result);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return false;
        errno = EAGAIN;
        return true;
    }

    Fd fd_;
    std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
};

} // namespace bench
