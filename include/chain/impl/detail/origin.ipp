// Definitions of <chain/detail/origin.hpp>.
#pragma once

#include <chain/detail/origin.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>

namespace chain::detail {

/// Host and port of `https://host:port`, without the scheme's default port; empty when there is no
/// host.
std::string_view authority_of(std::string_view origin) noexcept {
    const auto scheme_end = origin.find("://");
    if (scheme_end == std::string_view::npos) return {};
    const auto scheme = origin.substr(0, scheme_end);
    auto authority = origin.substr(scheme_end + 3);
    const std::string_view port = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
    if (!port.empty() && authority.ends_with(port)) authority.remove_suffix(port.size());
    return authority;
}

std::string_view without_default_port(std::string_view host, bool tls) noexcept {
    const std::string_view port = tls ? ":443" : ":80";
    if (host.ends_with(port)) host.remove_suffix(port.size());
    return host;
}

bool origin_allowed(const Request& request, std::span<const std::string> allowed) noexcept {
    const auto origin = request.header("Origin");
    if (!origin) return true;
    const auto listed = [&](const std::string& item) {
        return item == "*" || equals_ignoring_case(item, *origin);
    };
    if (std::ranges::any_of(allowed, listed)) return true;
    const auto authority = authority_of(*origin);
    const auto host = request.header("Host");
    return host && !authority.empty() &&
           equals_ignoring_case(authority, without_default_port(*host, request.tls));
}

} // namespace chain::detail
