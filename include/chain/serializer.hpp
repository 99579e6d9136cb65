// Serializer: a wire protocol's dialect.
#pragma once

#include <chain/error.hpp>
#include <chain/message.hpp>

#include <string>
#include <string_view>

namespace chain {

/// How a dialect tells a client of the beginning and the end of memberships. The defaults are those
/// of the chain protocol.
struct Lifecycle {
    /// On a rejoin: is the old membership's close sent before the new join's reply, rather than
    /// after it, ahead of everything else?
    bool closes_before_rejoin = true;
    /// Is the reply to a leave followed by a close?
    bool closes_after_leave = false;
    /// Is the event whose handler threw answered, before the membership's error?
    bool answers_crash = true;
    /// Does the answer to something for a topic that is not joined bear its join reference?
    bool names_unjoined = true;
    /// On a rejoin: is an old membership without a join reference closed too?
    bool closes_nameless = true;
    /// The reason why a session may join no more.
    std::string_view too_many_topics = "too many topics";
};

/// Turns messages to text and back, for one dialect. Stateless and thread-safe. It owns the wire
/// names and the order of lifecycle frames.
class Serializer {
  public:
    virtual ~Serializer() = default;

    /// The dialect's name, as "chain".
    virtual std::string_view name() const noexcept = 0;
    /// Reads a client's frame. JSON nests at most `max_depth` deep. `out` is overwritten; its
    /// storage is reused.
    /// @return no error; `Errc::not_json`, `Errc::malformed_frame`, `Errc::binary_frame`.
    virtual error_code decode(std::string_view frame, bool binary, unsigned max_depth,
                              Message& out) const = 0;
    /// Appends a server's message (push, reply, broadcast, ack, close or error) to `out`.
    /// @return true when the frame is binary. Where a connection carries text only
    /// (`carries_bytes`) such a frame is dropped, and `Observer::frames_dropped` told of it.
    virtual bool encode(const Message& message, std::string& out) const = 0;
    /// The order and the words of lifecycle frames.
    virtual const Lifecycle& lifecycle() const noexcept = 0;
};

} // namespace chain
