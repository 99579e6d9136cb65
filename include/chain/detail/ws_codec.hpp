// Server side of the WebSocket framing (RFC 6455), without any I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// Frame types, RFC 6455 section 5.2.
enum class WsOpcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

/// Longest header that a server frame has, in bytes.
inline constexpr std::size_t ws_max_header = 10;

/// The bit of a frame's first byte that says that its message is compressed, RFC 7692 section 6.
inline constexpr unsigned ws_compressed = 0x40;

/// Most frames that one message may consist of; a client that sends more is closed with 1008.
inline constexpr std::uint16_t ws_max_fragments = 1024;

/// Length of the header of an unmasked server frame with such a payload: 2, 4 or 10.
constexpr std::size_t ws_header_size(std::uint64_t payload_size) noexcept {
    if (payload_size < 126) return 2;
    return payload_size <= 0xFFFF ? 4 : 10;
}

/// Writes the header of an unmasked, final server frame to `out`, which has room for it.
/// @return its length
inline std::size_t write_ws_header(char* out, WsOpcode opcode,
                                   std::uint64_t payload_size) noexcept {
    const auto header_size = ws_header_size(payload_size);
    out[0] = static_cast<char>(0x80U | static_cast<unsigned>(opcode));
    if (header_size == 2) {
        out[1] = static_cast<char>(payload_size);
        return header_size;
    }
    out[1] = static_cast<char>(header_size == 4 ? 126 : 127);
    for (std::size_t i = header_size - 1; i > 1; --i, payload_size >>= 8U)
        out[i] = static_cast<char>(payload_size & 0xFFU);
    return header_size;
}

/// A complete close frame with `code` and `reason` (UTF-8), which is cut to 123 bytes without
/// splitting a code point. A code that may not be sent (0, and 1005, which means "none was given")
/// makes an empty frame.
std::string ws_close_frame(std::uint16_t code, std::string_view reason = {});

/// May `code` stand in a close frame on the wire (1000-1003, 1007-1014, 3000-4999)?
bool valid_close_code(std::uint16_t code) noexcept;

/// What WsDecoder found at the front of its input.
struct WsEvent {
    enum class Kind : std::uint8_t { need_more, message, ping, pong, close, failure };

    Kind kind = Kind::need_more;
    /// message: its opcode was binary.
    bool binary = false;
    /// close: the peer's code (1005 when none was given); failure: the code to close with
    /// (1002 protocol error, 1007 not UTF-8 or not to be inflated, 1008 too many fragments, 1009
    /// too big).
    std::uint16_t code = 0;
    /// message, ping, pong: payload; close: the peer's reason; failure: a static English sentence.
    std::string_view payload = {};
};

enum class WsError : std::uint8_t;
struct WsFrame;
struct WsPartial;

/// Takes a client's frames apart: unmasks in place, reassembles fragments, checks UTF-8 as it
/// arrives, refuses before it buffers. A frame that lies whole in the input is delivered as a view
/// into it, without copy or allocation; of others what has arrived is kept on the heap, and nothing
/// once they are complete.
class WsDecoder {
  public:
    /// @param max_message payload bytes of a whole message, all fragments together (at most
    /// 4 GiB - 1); a frame that announces more fails with 1009 before any byte of it is kept.
    /// @param compression whether messages may be compressed (RFC 7692, without context takeover);
    /// such a message is delivered inflated, and fails with 1009 when it inflates to more
    explicit WsDecoder(std::size_t max_message, bool compression = false) noexcept;
    WsDecoder(WsDecoder&&) noexcept;
    WsDecoder& operator=(WsDecoder&&) noexcept;
    ~WsDecoder();

    /// The next event at the front of `input`, which is advanced past what was used; bytes are
    /// unmasked in place. Call it until it returns need_more: then all of `input` has been used, an
    /// incomplete rest is kept inside, and the memory of messages delivered before is freed.
    ///
    /// After close or failure the rest of `input` is discarded, and each further call returns that
    /// event again (of a close without the reason).
    /// @return an event whose payload is valid until the next call, and while the bytes of `input`
    /// live.
    WsEvent next(std::span<char>& input);

    /// Bytes of heap held for an incomplete frame or message.
    std::size_t buffered() const noexcept;

  private:
    bool ended() const noexcept;
    WsEvent standing_event() const noexcept;
    WsEvent fail(WsError error) noexcept;
    WsPartial& partial();
    void forget_delivered() noexcept;
    inline bool next_frame(std::span<char>& input, WsFrame& frame);
    std::string_view join_header(std::span<const char> input) noexcept;
    void keep_header(std::string_view bytes);
    WsEvent suspend(const WsFrame& frame);
    inline WsEvent take_data(const WsFrame& frame, std::span<char> piece, bool ascii);
    WsEvent take_part(const WsFrame& frame, std::span<char> piece);
    WsEvent end_message(std::span<char> last_piece);
    WsEvent inflate(std::string_view payload, bool binary);
    WsEvent take_control(const WsFrame& frame, std::span<char> piece);
    WsEvent control_event(WsOpcode opcode, std::string_view payload);
    WsEvent close_event(std::string_view payload);

    std::unique_ptr<WsPartial> partial_; // only while something is incomplete
    std::uint32_t max_message_;
    std::uint16_t close_code_ = 0; // of the peer's close frame; 0 before it
    WsError error_{};              // what the decoder failed with, if it did
    bool compression_ = false;     // may messages be compressed?
};

} // namespace chain::detail
