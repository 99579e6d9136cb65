// Definitions of <chain/detail/trusted_proxies.hpp>.
#pragma once

#include <chain/detail/text.hpp>
#include <chain/detail/trusted_proxies.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace chain::detail {

bool TrustedProxies::parse(std::string_view text, Bytes& address) {
    boost::system::error_code failed;
    const auto parsed = boost::asio::ip::make_address(std::string(text), failed);
    if (failed) return false;
    const auto wide = parsed.is_v6() ? parsed.to_v6()
                                     : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped,
                                                                        parsed.to_v4());
    address = wide.to_bytes();
    return true;
}

TrustedProxies::TrustedProxies(const std::vector<std::string>& networks) {
    for (const auto& text : networks) {
        if (text == "unix") {
            unix_ = true;
            continue;
        }
        std::string_view bits = text;
        const auto address = take_until(bits, '/');
        Network network;
        unsigned given = 0;
        bool good = parse(address, network.address);
        const unsigned most = address.find(':') == std::string_view::npos ? 32 : 128;
        if (text.find('/') != std::string::npos) {
            const auto* end = bits.data() + bits.size();
            good = good && std::from_chars(bits.data(), end, given) ==
                               std::from_chars_result{end, std::errc{}};
        } else {
            given = most;
        }
        if (!good || given > most)
            throw std::invalid_argument("chain: trusted proxy \"" + text +
                                        "\" is neither an address nor a network as 10.0.0.0/8");
        network.bits = 128 - most + given;
        networks_.push_back(network);
    }
}

bool TrustedProxies::trusts(std::string_view address) const {
    if (address == "unix") return unix_;
    Bytes bytes;
    if (!parse(address, bytes)) return false;
    const auto within = [&](const Network& network) {
        const auto whole = network.bits / 8, rest = network.bits % 8;
        if (!std::equal(bytes.begin(), bytes.begin() + whole, network.address.begin()))
            return false;
        return rest == 0 || (bytes[whole] ^ network.address[whole]) >> (8 - rest) == 0;
    };
    return std::ranges::any_of(networks_, within);
}

/// An element of X-Forwarded-For without its port.
std::string_view without_port(std::string_view element) noexcept {
    if (element.starts_with('[')) return element.substr(1, element.find(']') - 1);
    const auto colon = element.find(':');
    const bool one = colon != std::string_view::npos && colon == element.rfind(':');
    return one ? element.substr(0, colon) : element;
}

/// The last element of the last field of this name: what the nearest proxy has written.
std::string_view last_element(const Request& request, std::string_view name) noexcept {
    std::string_view last;
    for (const auto& [key, value] : request.headers)
        if (equals_ignoring_case(key, name)) last = value;
    return trim_spaces(last.substr(last.rfind(',') + 1));
}

void TrustedProxies::apply(Request& request) const {
    if ((networks_.empty() && !unix_) || !trusts(request.peer_address)) return;
    const auto scheme = last_element(request, "X-Forwarded-Proto");
    if (!scheme.empty())
        request.tls = equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "wss");
    const std::string host(last_element(request, "X-Forwarded-Host"));
    if (!host.empty()) {
        std::erase_if(request.headers,
                      [](const auto& field) { return equals_ignoring_case(field.first, "Host"); });
        request.headers.emplace_back("Host", host);
    }
    apply_for(request);
}

/// Each proxy appends the address that it was connected from: from the right, the first one that is
/// not a trusted proxy's is the client's. What stands before it anybody may have made up.
void TrustedProxies::apply_for(Request& request) const {
    std::string all;
    for (const auto& [key, value] : request.headers)
        if (equals_ignoring_case(key, "X-Forwarded-For")) all += ',' + value;
    std::string_view rest = all;
    while (!rest.empty() && trusts(request.peer_address)) {
        const auto comma = rest.rfind(',');
        const auto element = without_port(trim_spaces(rest.substr(comma + 1)));
        rest = rest.substr(0, comma);
        Bytes ignored;
        if (!parse(element, ignored)) return;
        request.peer_address = element;
        request.peer_port = 0;
    }
}

} // namespace chain::detail
