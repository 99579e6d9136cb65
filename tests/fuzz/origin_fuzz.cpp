// Fuzzes the rules of origins and the cookies: what is let in is what a simpler reading of the
// headers lets in, and a cookie reads as it was written.
//
// Input: one byte chooses settings; then lines: Origin, Host, a rule, a Cookie field, a cookie's
// path.

// This target is one translation unit, so that the rules are instrumented however the library was
// built.
#include <chain/impl/detail/http_rules.ipp>
#include <chain/impl/detail/origin.ipp>
#include <chain/impl/detail/text.ipp>
#include <chain/impl/request.ipp>

#include "support.hpp"

#include <algorithm>
#include <string>

namespace {

using chain::OwnOrigin, chain::Request;
using fuzz::require;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

/// The host of an origin, or of a Host header, without its port.
std::string host_of(std::string_view text) {
    const auto scheme = text.find("//");
    if (scheme != std::string_view::npos) text.remove_prefix(scheme + 2);
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos && text.back() != ']') text = text.substr(0, colon);
    return lower(text);
}

/// A page that is let in has a host, and it is that of the request or of the rule.
void check_allowed(const Request& request, std::string_view rule) {
    const auto origin = *request.header("Origin");
    const auto host = host_of(origin);
    require(origin.find("://") != std::string_view::npos && !host.empty(),
            "a page without a host is foreign");
    require(origin.find_first_of("\\@?#, ") == std::string_view::npos, "an origin is only a host");
    if (host == host_of(request.header("Host").value_or(""))) return;
    auto wanted = host_of(rule);
    if (wanted.starts_with("*.")) {
        wanted.erase(0, 2);
        require(host == wanted || host.ends_with('.' + wanted), "it is a subdomain of the rule's");
    } else {
        require(host == wanted, "it is the rule's host");
    }
}

void check_origin(const Request& request, const std::string& rule, std::size_t settings) {
    const auto origin = chain::detail::parse_origin(*request.header("Origin"));
    require(origin.host.empty() || origin.text.find(origin.host) != std::string_view::npos,
            "a host is part of the origin");
    chain::HandlerConfig config;
    config.own_origin = static_cast<OwnOrigin>(settings % 3);
    if (chain::detail::valid_origin_rule(rule) && rule != "*") config.allowed_origins = {rule};
    const bool allowed = chain::detail::origin_allowed(request, config);
    if (allowed) check_allowed(request, rule);
    if (allowed && config.own_origin == OwnOrigin::none)
        require(!config.allowed_origins.empty(), "no page is the endpoint's own");

    const chain::CorsConfig cors{.allow_origins = config.allowed_origins};
    if (chain::detail::cors_allows(request, cors))
        require(chain::detail::origin_listed(origin, config.allowed_origins), "it is listed");
    require(!chain::detail::cors_allows(request, std::nullopt), "none is without rules");
    Request::Fields headers;
    chain::detail::add_cors(headers, request, cors);
    for (const auto& [name, value] : headers)
        require(name != "Access-Control-Allow-Origin" || value == origin.text,
                "only the page's own origin is named");
}

/// The value of the first cookie of that name, by another reading of the field.
std::optional<std::string> cookie_in(std::string_view field, std::string_view wanted) {
    while (!field.empty()) {
        auto part = fuzz::take_part(field, ';');
        const auto name = fuzz::take_part(part, '=');
        if (chain::detail::trim_spaces(name) == wanted)
            return std::string(chain::detail::trim_spaces(part));
    }
    return std::nullopt;
}

void check_cookies(const Request& request, std::string_view field) {
    for (const auto& [name, value] : request.cookies()) {
        const auto first = request.cookie(name);
        require(first && *first == cookie_in(field, name), "a cookie reads as it was sent");
        require(value.find(';') == std::string::npos, "a cookie ends where the next begins");
    }
}

/// A cookie that is set has the attributes of the settings and no other, whatever the path is.
void check_set_cookie(std::string_view path, std::size_t settings) {
    chain::CookieConfig config;
    config.same_site = static_cast<chain::SameSite>(settings % 3);
    const bool tls = settings % 2 == 1;
    const auto cookie = chain::detail::set_cookie(config, "tab", "value", path, tls);
    const bool secure = tls || config.same_site == chain::SameSite::none;
    require(std::ranges::count(cookie, ';') == (secure ? 4 : 3), "a path cannot add attributes");
    require(cookie.find_first_of("\r\n") == std::string::npos, "nor a header");
    Request request;
    request.headers = {{"cookie", cookie.substr(0, cookie.find(';'))}};
    require(request.cookie("chain.tab") == "value", "what was set comes back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::text_of(data, size);
    std::string_view rest = input;
    const auto settings = fuzz::take_choice(rest, 12);
    Request request;
    request.tls = settings >= 6;
    request.headers.emplace_back("Origin", fuzz::take_part(rest));
    request.headers.emplace_back("Host", fuzz::take_part(rest));
    const std::string rule(fuzz::take_part(rest));
    const std::string cookies(fuzz::take_part(rest));
    request.headers.emplace_back("Cookie", cookies);
    check_origin(request, rule, settings);
    check_cookies(request, cookies);
    check_set_cookie(rest, settings);
    return 0;
}
