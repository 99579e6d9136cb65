// Slice: framed bytes of one turn, with the ends and the order of the frames in them.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/fate.hpp>
#include <chain/detail/framing.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
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
    /// Appends a frame as `framing` wants it.
    void append(Framing framing, const FrameText& frame, std::uint64_t order, bool numbered);
    /// Begins a WebSocket frame, whose text is to be appended to what this returns, and nothing
    /// else until `end_websocket`.
    std::string& begin_websocket() {
        bytes_.resize(size_ + usual_header);
        return bytes_;
    }
    /// Makes a frame of what was appended.
    void end_websocket(bool binary, std::uint64_t order, bool numbered);
    /// Appends bytes that are framed already.
    void append_framed(std::string_view bytes, std::uint64_t order, bool numbered);
    /// The frame that was appended last need not arrive.
    void may_drop(const SharedFate& fate);
    /// Makes room for what `put` and `put_bytes` append: so many bytes and frames. There is always
    /// a block more.
    void reserve(std::size_t bytes, std::size_t frames);
    /// Appends a frame of another slice.
    void put(const Slice& from, std::size_t index) {
        const auto& piece = from.pieces_[index];
        copy(from, from.begin_of(index), piece.end);
        end_frame(piece.order, piece.numbered);
        if (piece.lossy) may_drop(*from.find_fate(index));
    }
    /// Appends a part of a frame, which `end_frame` ends.
    void put_bytes(std::string_view bytes) noexcept {
        std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void end_frame(std::uint64_t order, bool numbered) {
        pieces_.push_back({order, static_cast<std::uint32_t>(size_), numbered});
        numbered_ += numbered ? 1 : 0;
    }
    void clear() noexcept;

    std::size_t count() const noexcept { return pieces_.size(); }
    const Piece& piece(std::size_t index) const noexcept { return pieces_[index]; }
    /// All the bytes.
    std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }
    /// How many of them belong to the frames from `index` on.
    std::size_t bytes_from(std::size_t index) const noexcept { return size_ - begin_of(index); }
    /// One frame's bytes.
    std::string_view bytes_of(std::size_t index) const noexcept {
        const std::size_t begin = begin_of(index);
        return {bytes_.data() + begin, pieces_[index].end - begin};
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
    /// Room for the header of a WebSocket frame: that of a text of 126 bytes to 64 KiB.
    static constexpr std::size_t usual_header = 4;
    /// So much is copied at once, where there is room behind: most frames are short.
    static constexpr std::size_t block = 32;

    /// Appends bytes of another slice, for which `reserve` has made room.
    void copy(const Slice& from, std::size_t begin, std::size_t end) noexcept {
        const char* source = from.bytes_.data() + begin;
        const auto size = end - begin;
        if (size > 16 * block || end + block > from.bytes_.size()) return put_bytes({source, size});
        char* target = bytes_.data() + size_;
        size_ += size;
        for (const char* const last = source + size; source < last;
             source += block, target += block)
            std::memcpy(target, source, block);
    }
    const SharedFate* find_fate(std::size_t index) const noexcept;
    std::size_t begin_of(std::size_t index) const noexcept {
        return index == 0 ? 0 : pieces_[index - 1].end;
    }

    std::string bytes_;    ///< The first `size_` of it.
    std::size_t size_ = 0; ///< What is behind is room that was used before.
    std::vector<Piece> pieces_;
    std::vector<std::pair<std::size_t, SharedFate>> fates_; ///< By frame, in order.
    std::uint32_t numbered_ = 0;
};

} // namespace chain::detail
