// CorsConfig: which web pages of other origins may use an HTTP transport.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chain {

/// Which web pages of other origins may use an HTTP transport (Cross-Origin Resource Sharing,
/// WHATWG Fetch). Without it, only pages of the endpoint's own origin may.
struct CorsConfig {
    std::chrono::seconds max_age{
        3600}; ///< How long a browser may keep the answer to a preflight; 0 sends nothing.
    bool allow_credentials = true;      ///< May requests carry cookies?
    bool allow_private_network = false; ///< May public pages reach a private network's address?
    std::vector<std::string> allow_origins =
        {}; ///< As `HandlerConfig::allowed_origins`; with `*`, for all, without credentials.
    std::vector<std::string> allow_methods = {"GET", "POST"}; ///< What a page may do.
    /// What a page may set.
    std::vector<std::string> allow_headers = {"Content-Type", "Authorization", "X-Chain-Session"};
    std::vector<std::string> expose_headers = {}; ///< What a page may read of an answer.
    /// Decides on an origin that is not in the list; empty refuses it.
    std::function<bool(std::string_view origin)> allow_origin = {};
};

} // namespace chain
