// Slice: framed bytes of one turn, with the ends and the order of the frames in them.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/fate.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chain::detail {

/// One framed message inside a slice.
struct Piece {
    std::uint64_t order; ///< Lane-wide sequence of the call that made it.
    std::uint32_t end;   ///< Where it ends in the slice's bytes.
    bool numbered;       ///< Does it count among the session's frames? Control frames and those on
                         ///< `_chain` do not.
    bool lossy = false;  ///< Has the slice a fate for it?
};

/// What one topic, or one session alone, has to send in a turn. The bytes of a topic's slice are
/// shared by all its subscribers.
class Slice {
  public:
    /// Frames `text` and appends it.
    void append(Framing framing, std::string_view text, bool binary, std::uint64_t order,
                bool numbered);
    /// Appends a WebSocket message whose payload is compressed.
    void append_deflated(std::string_view payload, bool binary, std::uint64_t order, bool numbered);
    /// Appends bytes that are framed already.
    void append_framed(std::string_view bytes, std::uint64_t order, bool numbered);
    /// The frame that was appended last need not arrive.
    void may_drop(const SharedFate& fate);
    void clear() noexcept;

    std::size_t count() const noexcept { return pieces_.size(); }
    const Piece& piece(std::size_t index) const noexcept { return pieces_[index]; }
    /// All the bytes.
    const std::string& bytes() const noexcept { return bytes_; }
    /// One frame's bytes.
    std::string_view bytes_of(std::size_t index) const noexcept {
        const std::size_t begin = index == 0 ? 0 : pieces_[index - 1].end;
        return std::string_view(bytes_).substr(begin, pieces_[index].end - begin);
    }
    /// How many of the frames count among the session's frames.
    std::uint32_t numbered() const noexcept { return numbered_; }
    /// Is there a frame that need not arrive?
    bool lossy() const noexcept { return !fates_.empty(); }
    /// What may become of a frame, or null.
    const SharedFate* fate(std::size_t index) const noexcept {
        return pieces_[index].lossy ? find_fate(index) : nullptr;
    }

  private:
    /// Beyond this a slice gives its memory back when its turn is over.
    static constexpr std::size_t kept_capacity = 64 * 1024;

    const SharedFate* find_fate(std::size_t index) const noexcept;

    std::string bytes_;
    std::vector<Piece> pieces_;
    std::vector<std::pair<std::size_t, SharedFate>> fates_; ///< By frame, in order.
    std::uint32_t numbered_ = 0;
};

} // namespace chain::detail
