// Serializer: a wire protocol's dialect.
#pragma once

#include <chain/error.hpp>
#include <chain/message.hpp>

#include <string>
#include <string_view>

namespace chain {

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
    /// @return true when the frame is binary.
    virtual bool encode(const Message& message, std::string& out) const = 0;
    /// On a rejoin: is the old membership's close sent before the new join's reply, rather than
    /// after it?
    virtual bool closes_before_rejoin() const noexcept = 0;
};

} // namespace chain
