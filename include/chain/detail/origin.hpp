// The Origin rule: which web pages may connect.
#pragma once

#include <chain/request.hpp>

#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// May the page that sent this request connect? Yes without an Origin header (no browser sent it),
/// for the endpoint's own origin (same host and port as the Host header), and for origins of the
/// list (`*` is all). `null` and other origins without a host are foreign.
bool origin_allowed(const Request& request, std::span<const std::string> allowed) noexcept;

} // namespace chain::detail
