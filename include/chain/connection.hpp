// Connection: one live carrier of a session's frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain {

/// How frames are told apart in the bytes that a connection carries.
enum class Framing : std::uint8_t {
    lines, ///< Each frame is followed by a line feed; no frame holds one. For transports of your
           ///< own.
    websocket,         ///< Each frame is an unmasked WebSocket message.
    websocket_deflate, ///< The same, but a message may be compressed (RFC 7692).
    sse,               ///< Each frame is a server-sent event with an id.
};

/// Can a frame be bytes, rather than text, where frames are told apart like this?
constexpr bool carries_bytes(Framing framing) noexcept {
    return framing == Framing::websocket || framing == Framing::websocket_deflate;
}

/// One live carrier of a session's frames, which a transport provides. All members are called on
/// the session's executor, and must neither throw nor call the session back before they return.
class Connection {
  public:
    virtual ~Connection() = default;

    /// How this connection's frames are told apart; never changes.
    virtual Framing framing() const noexcept = 0;
    /// Sends some of `bytes`, which hold one or more frames; the session goes on sending the rest,
    /// cut anywhere, after `Session::writable`.
    /// @return how many bytes were taken.
    virtual std::size_t write(std::string_view bytes) noexcept = 0;
    /// Ends the connection, once what was written and then `unsent` (bytes that `write` has not
    /// taken) is sent. The session has let go of it already. Code and reason are those of a
    /// WebSocket close, whatever they mean to this transport.
    virtual void close(std::uint16_t code, std::string_view reason,
                       std::string unsent) noexcept = 0;
};

} // namespace chain
