// TrustedProxies: whose word about the client is taken.
#pragma once

#include <chain/request.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// The proxies whose X-Forwarded-For, -Proto and -Host are read.
class TrustedProxies {
  public:
    /// @param networks  addresses, networks such as "10.0.0.0/8", or "unix"
    /// @throws std::invalid_argument for anything else
    explicit TrustedProxies(const std::vector<std::string>& networks);

    /// Puts the client's address, scheme and host into the request, where a trusted proxy sent it.
    void apply(Request& request) const;

  private:
    /// In the form of IPv6; IPv4 is mapped.
    using Bytes = std::array<unsigned char, 16>;
    struct Network {
        Bytes address{};
        unsigned bits = 128;
    };

    static bool parse(std::string_view text, Bytes& address);
    bool trusts(std::string_view address) const;
    void apply_for(Request& request) const;

    std::vector<Network> networks_;
    bool unix_ = false;
};

} // namespace chain::detail
