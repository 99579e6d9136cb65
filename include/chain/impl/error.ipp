// Definitions of <chain/error.hpp>.
#pragma once

#include <chain/error.hpp>

#include <string>

namespace chain {

namespace detail {

const char* describe(Errc code) noexcept {
    switch (code) {
    case Errc::join_crashed: return "join crashed: the join handler threw; its text is in the log";
    case Errc::unmatched_topic: return "unmatched topic: add a channel whose pattern matches it";
    case Errc::join_wildcard_topic:
        return "joining topics with wildcard is not allowed: join each topic by its name";
    case Errc::not_joined:
        return "not joined: the socket has left its topic; keep no sockets beyond the leave "
               "handler";
    case Errc::invalid_event:
        return "invalid event: use 1 to 255 bytes without comma, control character or leading _";
    case Errc::invalid_topic:
        return "invalid topic: use 1 to 255 bytes without comma, *, control character or outer "
               "space";
    case Errc::invalid_payload:
        return "invalid payload: make sure that every string in it is UTF-8";
    case Errc::not_json: return "not JSON: send one JSON text in UTF-8";
    case Errc::malformed_frame: return "malformed frame: send a frame of the protocol";
    case Errc::binary_frame: return "binary frame: send text frames in this dialect";
    case Errc::not_configured: return "not configured: add the channel to a handler first";
    case Errc::closed: return "closed: the session has ended; wait for the client to come back";
    case Errc::already_replied: return "already replied: a token takes one reply";
    case Errc::no_request: return "no request: take the token inside an event handler";
    case Errc::executor_not_serial:
        return "executor not serial: give each connection a strand, or one thread to each "
               "io_context";
    case Errc::slow_consumer:
        return "slow consumer: the client reads slower than it is sent to; send less or raise the "
               "limit";
    case Errc::message_too_big: return "message too big: send less at once or raise the limit";
    case Errc::too_many_topics: return "too many topics: leave some or raise the limit";
    case Errc::too_many_sessions: return "too many sessions: raise the limit or add a node";
    case Errc::draining: return "draining: the server is about to stop; connect again later";
    case Errc::refused: return "refused: the connect handler did not let the client in";
    case Errc::invalid_cluster_frame:
        return "invalid cluster frame: run the same version of the library on every node";
    case Errc::adapter_failed: return "adapter failed: look at the broker's health";
    case Errc::other_framing:
        return "other framing: attach a connection of the framing that the session was opened with";
    case Errc::not_an_object:
        return "not an object: send a JSON object, null or bytes where strict Phoenix clients are "
               "served";
    case Errc::already_tracked: return "already tracked: update the meta, or untrack it before";
    case Errc::not_present: return "not present: track the key before it is updated";
    case Errc::too_many_metas:
        return "too many metas: let clients close some of their tabs, or raise the limit";
    case Errc::meta_too_big:
        return "meta too big: keep less in it or in its key, or raise the limit";
    case Errc::invalid_meta: return "invalid meta: give a JSON object";
    case Errc::adapter_down:
        return "adapter down: the broker cannot be reached; only this node got the message";
    case Errc::adapter_full:
        return "adapter full: too much waits for the broker; publish less or raise the limit";
    case Errc::broker_silent: return "broker silent: see whether it runs and can be reached";
    case Errc::broker_refused:
        return "broker refused: compare its answer in the log with the adapter's settings";
    case Errc::broker_trimmed:
        return "broker trimmed: messages were gone before this node read them; keep longer streams";
    case Errc::replaced: return "replaced: a newer connection has the session; close this one";
    case Errc::oldest_dropped:
        return "oldest dropped: the client reads slower than it is sent to; it was told of a gap";
    case Errc::conflated: return "conflated: a newer frame took the place of one that waited";
    case Errc::rate_limited:
        return "rate limited: the peer address connects too often; raise the rate if that is right";
    case Errc::too_many_sessions_of_peer:
        return "too many sessions of peer: raise the limit where many share an address";
    case Errc::text_only:
        return "text only: the connection carries no binary frames; write bytes as text for it";
    }
    return "unknown error";
}

class ErrorCategory final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "chain"; }
    std::string message(int value) const override { return describe(static_cast<Errc>(value)); }
};

} // namespace detail

const boost::system::error_category& error_category() noexcept {
    static const detail::ErrorCategory category;
    return category;
}

error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

} // namespace chain
