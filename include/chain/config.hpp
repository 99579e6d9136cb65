// HandlerConfig: an endpoint's settings and limits.
#pragma once

#include <chain/json.hpp>
#include <chain/origin.hpp>
#include <chain/rate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace chain {

class Observer;
class Request;
class Serializer;

/// Limits of an endpoint. Each is checked before anything is buffered.
struct Limits {
    std::size_t message_bytes = 64 * 1024; ///< One message from a client; more closes with 1009.
    std::size_t topics_per_session = 100;  ///< Joined at once; more is answered "too many topics".
    std::size_t sessions = 1'000'000;      ///< Alive at once; more is answered 503.
    std::size_t sessions_per_peer = 0; ///< Of one address, alive at once; more is answered 429. Of
                                       ///< IPv6 addresses the first 64 bits count. 0: any.
    std::size_t waiting_frames =
        64; ///< Behind a running coroutine, per topic; more is answered "busy".
    std::size_t waiting_bytes = 64 * 1024; ///< The same in bytes.
    std::size_t unsent_bytes_per_session =
        1 << 20; ///< Waiting for a slow reader; beyond it `SlowPolicy` says what is dropped, and
                 ///< when that is not enough the connection is closed with 1013.
    std::size_t unsent_frames_per_session = 10'000; ///< The same in frames.
    std::size_t unsent_bytes =
        256 << 20; ///< The same over all sessions of the handler: close to it the largest backlogs
                   ///< are dropped, and their sessions ended.
    std::size_t unsent_frames = 2'000'000; ///< The same in frames.
    std::size_t body_bytes = 64 * 1024;    ///< The body of an HTTP request; more is answered 413.
    std::size_t kept_bytes_per_session =
        1 << 20; ///< Sent and not confirmed; beyond it the oldest are forgotten, and a client that
                 ///< needs them for its resume is told of a gap.
    std::size_t kept_frames_per_session = 1000; ///< The same in frames.
    std::size_t kept_bytes = 256 << 20;         ///< The same over all sessions of the handler.
    std::size_t away_sessions =
        10'000; ///< Without a connection, waiting to be resumed; beyond it the oldest ends.
    std::uint32_t frames_per_ack = 32; ///< A client's frames, after which they are acknowledged.
    std::size_t forwards =
        10'000; ///< Requests and streams that came in at another node than that of their session:
                ///< of this node's sessions, and at this node. More is answered 503.
    std::size_t forward_bytes =
        64 * 1024;            ///< Of such a stream, on the way between the nodes, each way.
    unsigned json_depth = 64; ///< Nesting of a client's JSON; deeper closes with 1008.
};

/// How often clients may do things; none is limited unless it says so. An event may have a rate of
/// its own: `Channel::limit`.
struct Rates {
    Rate joins = {};  ///< A session's joins; more is answered "rate limited".
    Rate events = {}; ///< A session's events, of all topics; more is answered "rate limited".
    Rate peer_connects = {}; ///< New sessions of one address; more is answered 429.
};

/// Time-outs of an endpoint. One that is longer than a year is a year. `idle`, `request`,
/// `forward`, `forward_silence` and `node_lease` have to be more than 0.
struct Timeouts {
    std::chrono::milliseconds idle{
        60'000}; ///< A silent connection ends; it is pinged after half of it.
    std::chrono::milliseconds close{5'000}; ///< For the peer's half of a closing handshake.
    std::chrono::milliseconds cancelled_handler{
        10'000}; ///< For a cancelled coroutine, before the leave handler runs.
    std::chrono::milliseconds restart{
        1'000}; ///< What each client is asked to wait when its connection is closed in a drain.
    std::chrono::milliseconds request{
        10'000}; ///< For a request's body to arrive, where `async_serve` reads it, and for an
                 ///< answer of `async_serve` to be taken.
    std::chrono::milliseconds resume_window{
        15'000}; ///< For a session whose client can resume it, without a connection.
    std::chrono::milliseconds kept_frames{
        60'000}; ///< For frames that were sent and not confirmed; then they are forgotten.
    std::chrono::milliseconds expiry_notice{
        30'000}; ///< Before `Session::expires_at`: then the client is asked for a new token.
    std::chrono::milliseconds expiry_grace{
        10'000}; ///< After it: then a client that showed none is closed with 4002.
    std::chrono::milliseconds forward{
        3'000}; ///< For a word of the node of a session, when a request came in at another one: one
                ///< that has been silent for so long (or three beats) is dead, and the client is
                ///< answered as if the session had ended.
    std::chrono::milliseconds forward_silence{
        15'000}; ///< For a node that lives to take such a request; then the client is put off. And
                 ///< for a sign of life between the two nodes, while it is served or streams.
    std::chrono::milliseconds ack{
        5'000}; ///< After which a client's frames are acknowledged, when there are few.
    std::chrono::milliseconds node_lease{
        10'000}; ///< For a node of a cluster that is silent; then it is taken for dead.
};

/// How a handler drains: its clients are not to come back all at once.
struct Drain {
    /// Time over which connections are closed, in random order; at most half of the deadline.
    std::chrono::milliseconds window{5'000};
    /// Closed per second at least, so that few need less than the window; 0: they need all of it.
    std::size_t per_second = 100;
};

/// What clients find that choose a Phoenix dialect, by `vsn` in their query.
enum class PhoenixClients : std::uint8_t {
    refused, ///< Nothing: HTTP 403.
    welcome, ///< The handler's channels. Of pushes and broadcasts, whose payload has to be an
             ///< object for many of them, another payload reaches them as `{"value": payload}`.
    strict,  ///< The handler's channels. A push or broadcast whose payload is no object, null or
             ///< bytes is refused at the call with `Errc::not_an_object`, as in Phoenix. It is so
             ///< too where `HandlerConfig::serializer` is a Phoenix dialect.
};

/// permessage-deflate (RFC 7692) for WebSocket clients that offer it. A broadcast is compressed
/// once, whoever gets it; neither side keeps a context from one message to the next. What a client
/// sends is inflated up to `Limits::message_bytes`.
struct Compression {
    bool enabled = false;         ///< Accept it when it is offered.
    std::size_t threshold = 1024; ///< Bytes; shorter messages are sent as they are.
    int level = 6;                ///< zlib's: 1, the fastest, to 9, the smallest.
};

/// Settings of a Handler.
struct HandlerConfig {
    /// Path under which the transports are reached; starts with `/`. A segment such as `:room`
    /// stands for any, and becomes the parameter "room".
    std::string endpoint = "/socket";
    Limits limits = {};           ///< What clients may use up.
    Rates rates = {};             ///< How often they may do it.
    Timeouts timeouts = {};       ///< How long things may take.
    Drain drain = {};             ///< How it ends.
    Compression compression = {}; ///< permessage-deflate.
    Json options = nullptr;       ///< The application's own settings, readable from every session.
    /// Origins that browsers may connect from besides the endpoint's own: `https://example.com`
    /// (and its port, 443 unless given), `//example.com:81` (any scheme), `//example.com` (any
    /// scheme and port). A `*.` before the host stands for the domain itself and all below it; `*`
    /// allows every page.
    std::vector<std::string> allowed_origins = {};
    OwnOrigin own_origin = OwnOrigin::host; ///< Which pages are the endpoint's own.
    /// Decides on the pages that are neither listed nor the endpoint's own, those without a host
    /// too; called on the connection's thread. Empty, or throwing, refuses them.
    std::function<bool(const PageOrigin&, const Request&)> allow_origin = {};
    /// WebSocket subprotocols to agree to, besides those of the token.
    std::vector<std::string> subprotocols = {};
    /// Take the token that clients offer as a subprotocol or send in a header
    /// (`Request::auth_token`), and agree to the subprotocols that they offer beside it, "chain"
    /// and "phoenix"? With this or a list of subprotocols, a client that offers none of those is
    /// answered 403; without either, what it offers is ignored.
    bool auth_token = true;
    /// Proxies whose X-Forwarded-For, -Proto and -Host are believed, as `10.0.0.0/8` or `::1`;
    /// `unix` is whoever connects to a UNIX socket. Empty: none.
    std::vector<std::string> trusted_proxies = {};
    std::shared_ptr<const Serializer> serializer =
        {}; ///< The dialect of clients without `vsn`; empty means the chain protocol.
    PhoenixClients phoenix = PhoenixClients::welcome; ///< Clients with `vsn`.
    std::shared_ptr<Observer> observer = {}; ///< Logs and metrics; empty means warnings to stderr.
};

} // namespace chain
