// Which web pages may use an HTTP transport, and the headers that tell their browsers.
#pragma once

#include <chain/cookie.hpp>
#include <chain/cors.hpp>
#include <chain/request.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// May the page that sent this request use the transport, by the rules of its `cors`?
bool cors_allows(const Request& request, const std::optional<CorsConfig>& cors);
/// What is logged when it may not: with how to allow it, in HandlerConfig or in `settings`.
std::string refused_page(std::string_view origin, std::string_view transport,
                         std::string_view settings);
/// Adds the headers that an answer to a page of another origin needs.
void add_cors(Request::Fields& headers, const Request& request,
              const std::optional<CorsConfig>& cors);
/// Adds those that answer a preflight.
void add_preflight(Request::Fields& headers, const Request& request, const CorsConfig& cors);
/// Is there a header of this name, in letters of either case?
bool has_header(const Request::Fields& headers, std::string_view name) noexcept;
/// The value of a Set-Cookie header. An empty `value` expires the cookie.
std::string set_cookie(const CookieConfig& config, std::string_view sid, std::string_view value,
                       std::string_view path, bool tls);

} // namespace chain::detail
