// What a client offers in Sec-WebSocket-Protocol, and the token that Phoenix clients put there.
#pragma once

#include <chain/config.hpp>
#include <chain/request.hpp>

#include <string>

namespace chain::detail {

/// What comes of a client's offer.
struct Subprotocol {
    int refusal = 0;    ///< HTTP status when the client is not to be let in, else 0.
    std::string reason; ///< Of the refusal.
    std::string chosen; ///< The one to be named in the answer; empty for none.
};

/// Reads the offer: takes the token out of it into `Request::auth_token`, and chooses among the
/// rest, in the client's order. Nothing offered is fine; something offered of which nothing is
/// known is refused; where the handler knows no subprotocol at all the offer is ignored.
Subprotocol read_subprotocols(Request& request, const HandlerConfig& config);
/// Reads the token of clients that made no such offer, from the header X-Phoenix-AuthToken or
/// `Authorization: Bearer`.
void read_auth_header(Request& request, const HandlerConfig& config);

} // namespace chain::detail
