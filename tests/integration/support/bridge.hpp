// A bridge from plain TCP, which the test's clients speak, to TLS or a UNIX socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace test {

/// Listens at a port of its own, and passes on what comes to a server that speaks something else.
class Bridge {
  public:
    static Bridge to_tls(std::uint16_t port);
    static Bridge to_unix(const std::string& path);
    Bridge(Bridge&&) noexcept;
    ~Bridge();

    std::uint16_t port() const;
    /// The serial number of the certificate that the newest connection was shown.
    long serial() const;

  private:
    struct State;
    explicit Bridge(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

} // namespace test
