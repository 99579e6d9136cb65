// Observer: one interface for logs and metrics.
#pragma once

#include <chain/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chain {

/// How grave a sentence for the log is.
enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LeaveReason : std::uint8_t;

/// Where application code was running when it threw.
enum class Hook : std::uint8_t { connect, join, in, out, leave };

/// What a handler tells about itself. Every hook does nothing unless overridden. Hooks are called
/// on the lane that the thing happened on, hence from several threads; what they throw is ignored.
/// `pattern` is a channel's pattern, never a topic, so that it can be a metric's label. Texts hold
/// no token, cookie or query string.
class Observer {
  public:
    virtual ~Observer() = default;

    /// A sentence for the log.
    virtual void log(LogLevel, std::string_view) {}
    /// A client was let in.
    virtual void session_opened() {}
    /// A session has ended.
    virtual void session_closed() {}
    /// A client has come back to its session.
    virtual void session_resumed() {}
    /// A client could not come back to its session; `why` is "expired", "gap", "unknown" or
    /// "refused".
    virtual void resume_failed(std::string_view /*why*/) {}
    /// A client showed no new token in time; its session ends.
    virtual void session_expired() {}
    /// A client was not let in.
    virtual void session_refused(error_code) {}
    /// A client has joined a topic.
    virtual void joined(std::string_view /*pattern*/) {}
    /// A join handler let a client not in, or threw.
    virtual void join_refused(std::string_view /*pattern*/) {}
    /// A membership has ended.
    virtual void left(std::string_view /*pattern*/, LeaveReason) {}
    /// A client's event reached its handler.
    virtual void event_in(std::string_view /*pattern*/) {}
    /// An event was broadcast on this node.
    virtual void broadcast(std::string_view /*pattern*/) {}
    /// Application code threw.
    virtual void handler_threw(std::string_view /*pattern*/, Hook, std::string_view /*what*/) {}
    /// A client's join or event came too soon after others; `what` is "join" or "event". A client
    /// that connects too often is told of by `session_refused`.
    virtual void rate_limited(std::string_view /*what*/) {}
    /// A client was refused something, or lost its session, by a limit; `limit` is its name in
    /// `Limits`, as "topics_per_session", or in the settings of its transport: "tabs",
    /// "frames_per_post", "lines_per_post". Other hooks tell of those of sessions
    /// (`session_refused`), of slow readers (`frames_dropped`) and of what is kept
    /// (`resume_failed`).
    virtual void over_limit(std::string_view /*limit*/) {}
    /// A client sent a frame that was not understood; or a body of frames, which was refused for
    /// it.
    virtual void bad_frame(error_code) {}
    /// Frames were dropped instead of sent: a slow client's session has ended
    /// (`Errc::slow_consumer`), or that of a client that was away (`Errc::closed`); the channel's
    /// `SlowPolicy` wants it so (`Errc::oldest_dropped`, `Errc::conflated`); a serializer made
    /// binary ones for a connection that carries text only (`Errc::text_only`); or what an out
    /// handler returned cannot be sent (`Errc::invalid_payload`, `Errc::not_an_object`).
    virtual void frames_dropped(std::size_t /*count*/, error_code) {}
    /// The adapter of these topics reaches its broker (again).
    virtual void adapter_up(std::string_view /*pattern*/) {}
    /// It does not any more, or still does not; `text` is what the broker said, if anything.
    virtual void adapter_down(std::string_view /*pattern*/, error_code, std::string_view /*text*/) {
    }
    /// Messages between nodes were lost, or may have been; 0 when nobody knows how many.
    virtual void adapter_lost(std::string_view /*pattern*/, std::size_t /*count*/, error_code) {}
};

/// Writes warnings and errors to stderr, one line each, without control characters.
class StderrObserver : public Observer {
  public:
    void log(LogLevel level, std::string_view text) override;
    void handler_threw(std::string_view pattern, Hook hook, std::string_view what) override;
    void frames_dropped(std::size_t count, error_code reason) override;
    void adapter_up(std::string_view pattern) override;
    void adapter_down(std::string_view pattern, error_code reason, std::string_view text) override;
    void adapter_lost(std::string_view pattern, std::size_t count, error_code reason) override;
};

/// The name of a hook, as "join".
std::string_view to_string(Hook hook) noexcept;

} // namespace chain
