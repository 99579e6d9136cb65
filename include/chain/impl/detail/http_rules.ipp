// Definitions of <chain/detail/http_rules.hpp>.
#pragma once

#include <chain/detail/http_rules.hpp>
#include <chain/detail/origin.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>

namespace chain::detail {

bool cors_allows(const Request& request, const std::optional<CorsConfig>& cors) {
    const auto origin = request.header("Origin");
    if (!origin || !cors) return !origin;
    if (origin_listed(parse_origin(*origin), cors->allow_origins)) return true;
    return cors->allow_origin && origin != "null" && cors->allow_origin(*origin);
}

std::string refused_page(std::string_view origin, std::string_view transport,
                         std::string_view settings) {
    const auto quoted = '"' + std::string(origin) + '"';
    return "refused " + std::string(transport) + " to a page of origin " + quoted +
           "; to allow it: HandlerConfig{.allowed_origins = {" + quoted + "}} or " +
           std::string(settings) + "{.cors = CorsConfig{...}}";
}

bool all_origins(const CorsConfig& cors) noexcept {
    return std::ranges::find(cors.allow_origins, "*") != cors.allow_origins.end();
}

void add_cors(Request::Fields& headers, const Request& request,
              const std::optional<CorsConfig>& cors) {
    const auto origin = request.header("Origin");
    if (!origin) return;
    headers.emplace_back("Vary", "Origin");
    const bool all = cors && all_origins(*cors);
    headers.emplace_back("Access-Control-Allow-Origin", all ? std::string_view("*") : *origin);
    // A browser must not send cookies along to a server that lets everybody in.
    if (!all && (!cors || cors->allow_credentials))
        headers.emplace_back("Access-Control-Allow-Credentials", "true");
    if (cors && !cors->expose_headers.empty())
        headers.emplace_back("Access-Control-Expose-Headers", join(cors->expose_headers));
}

void add_preflight(Request::Fields& headers, const Request& request, const CorsConfig& cors) {
    headers.emplace_back("Access-Control-Allow-Methods", join(cors.allow_methods));
    headers.emplace_back("Access-Control-Allow-Headers", join(cors.allow_headers));
    if (cors.max_age.count() > 0)
        headers.emplace_back("Access-Control-Max-Age", std::to_string(cors.max_age.count()));
    if (cors.allow_private_network && request.header("Access-Control-Request-Private-Network"))
        headers.emplace_back("Access-Control-Allow-Private-Network", "true");
}

/// A path as a cookie's attribute: what would end the attribute is escaped.
std::string cookie_path(std::string_view path) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7F && c != ';' && c != ',') {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 0xFU];
        }
    }
    return out;
}

bool has_header(const Request::Fields& headers, std::string_view name) noexcept {
    return std::ranges::any_of(
        headers, [&](const auto& header) { return equals_ignoring_case(header.first, name); });
}

std::string set_cookie(const CookieConfig& config, std::string_view sid, std::string_view value,
                       std::string_view path, bool tls) {
    auto cookie = config.name + '.' + std::string(sid) + '=' + std::string(value);
    cookie += "; Path=" + (config.path.empty() ? cookie_path(path) : config.path);
    if (!config.domain.empty()) cookie += "; Domain=" + config.domain;
    if (value.empty()) cookie += "; Max-Age=0";
    if (config.http_only) cookie += "; HttpOnly";
    if (tls || config.always_secure || config.same_site == SameSite::none) cookie += "; Secure";
    static constexpr std::string_view rules[] = {"; SameSite=Lax", "; SameSite=Strict",
                                                 "; SameSite=None"};
    return cookie.append(rules[static_cast<std::size_t>(config.same_site)]);
}

} // namespace chain::detail
