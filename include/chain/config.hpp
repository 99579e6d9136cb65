// HandlerConfig: an endpoint's settings and limits.
#pragma once

#include <chain/json.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace chain {

class Observer;
class Serializer;

/// Limits of an endpoint. Each is checked before anything is buffered.
struct Limits {
    std::size_t message_bytes = 64 * 1024; ///< One message from a client; more closes with 1009.
    std::size_t topics_per_session = 100;  ///< Joined at once; more is answered "too many topics".
    std::size_t sessions = 1'000'000;      ///< Alive at once; more is answered 503.
    std::size_t waiting_frames =
        64; ///< Behind a running coroutine, per topic; more is answered "busy".
    std::size_t waiting_bytes = 64 * 1024; ///< The same in bytes.
    std::size_t unsent_bytes_per_session =
        1 << 20;                          ///< Waiting for a slow reader; more closes with 1013.
    std::size_t unsent_bytes = 256 << 20; ///< The same over all sessions of the handler.
    unsigned json_depth = 64;             ///< Nesting of a client's JSON; deeper closes with 1008.
};

/// Time-outs of an endpoint.
struct Timeouts {
    std::chrono::milliseconds idle{
        60'000}; ///< A silent connection ends; it is pinged after half of it.
    std::chrono::milliseconds close{5'000}; ///< For the peer's half of a closing handshake.
    std::chrono::milliseconds cancelled_handler{
        10'000}; ///< For a cancelled coroutine, before the leave handler runs.
    std::chrono::milliseconds restart{
        1'000}; ///< What clients are asked to wait when the server restarts.
    std::chrono::milliseconds resume_window{
        15'000}; ///< For a session without a connection, where its transport keeps it.
};

/// Settings of a Handler.
struct HandlerConfig {
    std::string endpoint =
        "/socket";          ///< Path under which the transports are reached; starts with `/`.
    Limits limits = {};     ///< What clients may use up.
    Timeouts timeouts = {}; ///< How long things may take.
    Json options = nullptr; ///< The application's own settings, readable from every session.
    /// Origins that browsers may connect from besides the endpoint's own, as `https://example.com`;
    /// `*` allows every one.
    std::vector<std::string> allowed_origins = {};
    std::shared_ptr<const Serializer> serializer =
        {}; ///< The default dialect; empty means the chain protocol.
    std::shared_ptr<Observer> observer = {}; ///< Logs and metrics; empty means warnings to stderr.
};

} // namespace chain
