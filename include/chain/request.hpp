// Request: what the connect handler sees of the client's request.
#pragma once

#include <chain/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain {

/// The request with which a client connects. Filled by transports; a transport of your own sets
/// what it knows.
class Request {
  public:
    /// Names and values, in order.
    using Fields = std::vector<std::pair<std::string, std::string>>;

    std::string method = "GET"; ///< HTTP method, upper case.
    std::string target;         ///< Path and query as sent.
    Fields query;               ///< Decoded query parameters, in order. Names may repeat.
    Fields headers;             ///< Header fields, in order. Names may repeat.
    std::string body;           ///< Of a POST.
    std::string peer_address; ///< The IP address as text; "unix" for a UNIX socket; empty: unknown.
    std::uint16_t peer_port = 0; ///< The client's port; 0 when there is none.
    bool tls = false;            ///< Did the client connect over TLS?
    /// The token that a client authenticates with, which it keeps out of the URL: the option
    /// `authToken` of chain.js and phoenix.js, which comes as a subprotocol or in a header, or that
    /// of any client in the header `Authorization: Bearer`.
    std::optional<std::string> auth_token = {};

    /// The path of `target`, without its query.
    std::string_view path() const noexcept;
    /// The first query parameter `name` (exact), or nullopt.
    std::optional<std::string_view> param(std::string_view name) const noexcept;
    /// The first header field `name` (any case), or nullopt.
    std::optional<std::string_view> header(std::string_view name) const noexcept;
    /// All cookies of the Cookie headers, in order.
    Fields cookies() const;
    /// The first cookie `name` of the Cookie headers, or nullopt.
    std::optional<std::string_view> cookie(std::string_view name) const noexcept;
    /// The query parameters as a JSON object of strings; the last of several wins. `a[b]=c` is an
    /// object within it, `a[]=b` an array.
    Json params() const;
};

/// Why a client is not let in, for the connect handler to return.
struct Refusal {
    int status = 403; ///< HTTP status, 400 to 599; anything else is sent as 403.
    /// Sent as `{"reason": reason}`; empty means "refused", and to a Phoenix client no body at all.
    std::string reason = {};
    /// Sent instead, as it is; plain text unless `headers` say what it is.
    std::optional<std::string> body = {};
    Request::Fields headers = {}; ///< Sent as well; what cannot be a header field is left out, with
                                  ///< a warning in the log.
};

namespace detail {
/// Splits `a=1&b=2`, decoding `+` and `%XX`; a broken escape stays as it is.
Request::Fields parse_query(std::string_view query);
} // namespace detail

} // namespace chain
