// Message: one message of a wire protocol, in the form that all dialects share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chain {

/// What a message is for. Clients send push, ack, join, leave and heartbeat; servers the others.
enum class MessageKind : std::uint8_t {
    push,      ///< An event to one membership.
    reply,     ///< The answer to a client's message.
    broadcast, ///< An event to everybody in a topic.
    ack,       ///< A number of frames was received.
    join,      ///< The client asks to join a topic.
    leave,     ///< The client leaves a topic.
    heartbeat, ///< The client asks whether the server is there.
    close,     ///< The membership has ended.
    error,     ///< The membership has failed; the client may rejoin.
};

/// The outcome that a reply names.
enum class Status : std::uint8_t { ok = 0, error = 1 };

/// One message. The views look into the frame it was read from (or the storage here), and live as
/// long as both.
struct Message {
    MessageKind kind = MessageKind::push; ///< What it is for.
    Status status = Status::ok;           ///< Of a reply.
    /// Of a reply: the outcome's name where it is neither ok nor error; `status` is error then.
    std::string_view status_name = {};
    bool binary = false;     ///< Is `payload` bytes rather than JSON text?
    std::uint32_t count = 0; ///< Of an ack: frames received.
    std::string_view join_ref =
        {};                    ///< Raw JSON token of the membership's reference; empty means none.
    std::string_view ref = {}; ///< Raw JSON token of the request's reference; empty means none.
    std::string_view topic = {};       ///< Empty in an ack.
    std::string_view event = {};       ///< Of a push or broadcast; empty else.
    std::string_view payload = "null"; ///< Compact JSON text, or bytes.
    /// For a serializer that has to unescape topic or event, compact the payload, or write the
    /// references.
    std::string storage[5] = {};
};

} // namespace chain
