// CookieConfig: the cookie by which an HTTP transport knows a browser tab again.
#pragma once

#include <cstdint>
#include <string>

namespace chain {

/// Which requests of other sites a cookie is sent with.
enum class SameSite : std::uint8_t { lax, strict, none };

/// The cookie by which an HTTP transport knows a browser tab again.
struct CookieConfig {
    std::string name = "chain"; ///< Prefix of the cookies' names: a tab's is `{name}.{sid}`.
    std::string domain = {};    ///< Empty: the host that was asked.
    std::string path = {};      ///< Empty: `{endpoint}/sse`.
    bool http_only = true;      ///< Hidden from the page's scripts.
    bool always_secure = false; ///< Otherwise over TLS only. Implied by `SameSite::none`.
    SameSite same_site = SameSite::lax; ///< `none` for pages of other sites.
};

} // namespace chain
