// Served: what became of a request that was handed to a handler.
#pragma once

#include <cstdint>

namespace chain {

/// What became of a request that `async_serve` was given, and so of its stream.
enum class Served : std::uint8_t {
    keep_alive, ///< It was answered; the stream is the application's again, for the next request.
    upgraded,   ///< The stream is a WebSocket's now; the application's object was moved from.
    streaming,  ///< The stream carries server-sent events now; the object was moved from.
    closed,     ///< It was answered with the last answer of the connection, or the stream broke.
};

} // namespace chain
