// FrameReader: what the readers of all dialects' JSON frames share.
#pragma once

#include <chain/detail/json_scan.hpp>
#include <chain/error.hpp>
#include <chain/message.hpp>

#include <cstddef>
#include <string_view>

namespace chain::detail {

/// Reads a frame element by element into a Message, whose views look into the frame or into the
/// message's storage. Each function returns false when what comes next is not as it should be.
class FrameReader {
  protected:
    FrameReader(std::string_view frame, unsigned max_depth, Message& out) noexcept
        : scanner_(frame, max_depth), out_(out) {}

    /// A string, unescaped.
    bool read_name(std::string_view& name, std::size_t slot);
    /// Any value, compact.
    bool read_value(std::string_view& value, std::size_t slot);
    /// A reference: any value as a token that is the same for the same string; null is none.
    bool read_token(std::string_view& token, std::size_t slot);
    /// The elements of an array past those that are known, which are ignored, and its end.
    inline bool read_rest();

    JsonScanner scanner_;
    Message& out_;
};

/// Where `Message::storage` keeps what.
namespace slot {
inline constexpr std::size_t topic = 0, event = 1, payload = 2, join_ref = 3, ref = 4;
} // namespace slot

/// Longest reference that a client may choose, without the quotes of a string, so that it fits a
/// binary frame and a session is not filled with them.
inline constexpr std::size_t max_reference = 255;

/// Why a text is no frame: it is not JSON, or JSON of another shape (or too deep).
error_code why_not_a_frame(std::string_view text, unsigned max_depth) noexcept;

} // namespace chain::detail
