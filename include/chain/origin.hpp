// PageOrigin: where a web page comes from that wants to connect.
#pragma once

#include <cstdint>
#include <string_view>

namespace chain {

/// The Origin header of a page's request, taken apart; `HandlerConfig::allow_origin` is asked with
/// it. The views live as long as the call.
struct PageOrigin {
    std::string_view text;        ///< As it was sent: "https://example.com", "null".
    std::string_view scheme = {}; ///< As "https"; empty when there is no host.
    std::string_view host = {};   ///< Empty for "null", files, and whatever is no origin.
    std::uint16_t port = 0;       ///< As given, or the scheme's default; 0 when that is not known.
};

/// Which pages are of an endpoint's own origin, and may connect without being listed.
enum class OwnOrigin : std::uint8_t {
    host, ///< Those with the host and the port of the request's Host header. The scheme may be
          ///< another, as it is behind a proxy that ends TLS.
    connection, ///< Those whose scheme is that of the connection, too.
    none,       ///< None: pages have to be listed.
};

} // namespace chain
