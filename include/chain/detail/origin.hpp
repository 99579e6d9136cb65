// The Origin rules: which web pages may connect.
#pragma once

#include <chain/config.hpp>
#include <chain/origin.hpp>
#include <chain/request.hpp>

#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// Takes an Origin header apart. Without a host it is foreign to everybody.
PageOrigin parse_origin(std::string_view text) noexcept;
/// Can this stand in a list of origins: `*`, or `https://example.com`, `//example.com:81`,
/// `example.com`, each with `*.` before the host or without?
bool valid_origin_rule(std::string_view rule) noexcept;
/// Is the origin in the list? `*` is all of them; a rule with a scheme compares its default port;
/// one without a scheme or a port takes any; `*.` stands for the domain itself and all below it.
bool origin_listed(const PageOrigin& origin, std::span<const std::string> rules) noexcept;
/// May the page that sent this request connect? Yes without an Origin header (no browser sent it),
/// for the endpoint's own origin, for those in the list, and where `allow_origin` says so.
bool origin_allowed(const Request& request, const HandlerConfig& config);

} // namespace chain::detail
