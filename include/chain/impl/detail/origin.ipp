// Definitions of <chain/detail/origin.hpp>.
#pragma once

#include <chain/detail/origin.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace chain::detail {

/// The port that a scheme implies, or 0.
std::uint16_t default_port(std::string_view scheme) noexcept {
    if (equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "ws")) return 80;
    if (equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "wss")) return 443;
    return 0;
}

struct Authority {
    std::string_view host;
    std::uint16_t port = 0; ///< 0 when there is none.
};

/// `host:port` or `host`, taken apart; nothing when it is neither.
std::optional<Authority> parse_authority(std::string_view text) noexcept {
    Authority authority{text};
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos && !text.ends_with(']')) {
        const auto digits = text.substr(colon + 1);
        const auto* end = digits.data() + digits.size();
        const auto [stop, failed] = std::from_chars(digits.data(), end, authority.port);
        if (failed != std::errc{} || stop != end || authority.port == 0) return std::nullopt;
        authority.host = text.substr(0, colon);
    }
    const bool plain = authority.host.find_first_of("/\\@?#, ") == std::string_view::npos;
    if (authority.host.empty() || !plain) return std::nullopt;
    return authority;
}

/// A letter, then letters, digits, plus, minus, and dots: RFC 3986, section 3.1.
bool valid_scheme(std::string_view text) noexcept {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto good = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    };
    return !text.empty() && letter(text.front()) && std::ranges::all_of(text, good);
}

PageOrigin parse_origin(std::string_view text) noexcept {
    PageOrigin origin{text};
    const auto end = text.find("://");
    if (end == std::string_view::npos || !valid_scheme(text.substr(0, end))) return origin;
    const auto authority = parse_authority(text.substr(end + 3));
    if (!authority) return origin;
    origin.scheme = text.substr(0, end);
    origin.host = authority->host;
    origin.port = authority->port != 0 ? authority->port : default_port(origin.scheme);
    return origin;
}

/// One rule of a list of origins.
struct OriginRule {
    std::string_view scheme; ///< Empty: any.
    std::string_view host;   ///< Without `*.`.
    std::uint16_t port = 0;  ///< 0: any.
    bool subdomains = false;
};

std::optional<OriginRule> parse_origin_rule(std::string_view text) noexcept {
    OriginRule rule;
    const auto end = text.find("//");
    if (end != std::string_view::npos) {
        rule.scheme = text.substr(0, end);
        if (!rule.scheme.empty() && !rule.scheme.ends_with(':')) return std::nullopt;
        if (!rule.scheme.empty()) {
            rule.scheme.remove_suffix(1);
            if (!valid_scheme(rule.scheme)) return std::nullopt;
        }
        text.remove_prefix(end + 2);
    }
    const auto authority = parse_authority(text);
    if (!authority) return std::nullopt;
    rule.host = authority->host;
    rule.port = authority->port != 0 ? authority->port : default_port(rule.scheme);
    rule.subdomains = rule.host.starts_with("*.");
    if (rule.subdomains) rule.host.remove_prefix(2);
    if (rule.host.empty() || rule.host.find('*') != std::string_view::npos) return std::nullopt;
    return rule;
}

bool valid_origin_rule(std::string_view rule) noexcept {
    return rule == "*" || parse_origin_rule(rule);
}

bool host_matches(std::string_view host, const OriginRule& rule) noexcept {
    if (equals_ignoring_case(host, rule.host)) return true;
    if (!rule.subdomains || host.size() <= rule.host.size()) return false;
    const auto dot = host.size() - rule.host.size() - 1;
    return host[dot] == '.' && equals_ignoring_case(host.substr(dot + 1), rule.host);
}

bool origin_listed(const PageOrigin& origin, std::span<const std::string> rules) noexcept {
    return std::ranges::any_of(rules, [&](const std::string& text) {
        if (text == "*") return true;
        const auto rule = origin.host.empty() ? std::nullopt : parse_origin_rule(text);
        return rule && host_matches(origin.host, *rule) &&
               (rule->scheme.empty() || equals_ignoring_case(rule->scheme, origin.scheme)) &&
               (rule->port == 0 || rule->port == origin.port);
    });
}

/// Is it the endpoint's own origin?
bool is_own_origin(const PageOrigin& origin, const Request& request, OwnOrigin own) noexcept {
    const bool web =
        equals_ignoring_case(origin.scheme, "http") || equals_ignoring_case(origin.scheme, "https");
    if (own == OwnOrigin::none || !web) return false;
    const auto host = parse_authority(request.header("Host").value_or(""));
    if (!host || !equals_ignoring_case(host->host, origin.host)) return false;
    const std::string_view scheme = request.tls ? "https" : "http";
    const auto port = host->port != 0 ? host->port : default_port(scheme);
    if (own == OwnOrigin::connection)
        return equals_ignoring_case(origin.scheme, scheme) && port == origin.port;
    // Behind a proxy that ends TLS both ports are the defaults of their schemes.
    const bool defaults =
        port == default_port(scheme) && origin.port == default_port(origin.scheme);
    return port == origin.port || defaults;
}

bool origin_allowed(const Request& request, const HandlerConfig& config) {
    const auto text = request.header("Origin");
    if (!text) return true;
    const auto origin = parse_origin(*text);
    return origin_listed(origin, config.allowed_origins) ||
           is_own_origin(origin, request, config.own_origin) ||
           (config.allow_origin && config.allow_origin(origin, request));
}

} // namespace chain::detail
