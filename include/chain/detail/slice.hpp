// Slice: framed bytes, with the ends of the frames in them.
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
    std::uint32_t end;  ///< Where it ends in the slice's bytes.
    bool numbered;      ///< Does it count among the session's frames? Control frames and those on
                        ///< `_chain` do not.
    bool lossy = false; ///< Has the slice a fate for it?
};

/// Frames one after another, as a connection gets them. The bytes of a topic's slice are shared by
/// all its subscribers.
class Slice {
  public:
    /// Appends a frame as `framing` wants it.
    void append(Framing framing, const FrameText& frame, bool numbered);
    /// Begins a WebSocket frame, whose text is to be appended to what this returns, and nothing
    /// else until `end_websocket`.
    std::string& begin_websocket() {
        if (bytes_.size() != size_) bytes_.resize(size_);
        return bytes_.append(header_room, usual_header);
    }
    /// Makes a frame of what was appended.
    void end_websocket(bool binary, bool numbered);
    /// Appends bytes that are framed already.
    void append_framed(std::string_view bytes, bool numbered);
    /// The frame that was appended last need not arrive.
    void may_drop(const SharedFate& fate);
    /// Appends a frame of another slice.
    void put(const Slice& from, std::size_t index) {
        const auto bytes = from.bytes_of(index);
        make_room(bytes.size());
        put_bytes(bytes);
        end_frame(from.pieces_[index].numbered);
        if (const auto* fate = from.fate(index)) may_drop(*fate);
    }
    /// One frame's bytes for `put_plain`, or nothing when `put` is needed.
    std::string_view plain(std::size_t index) const noexcept {
        if (index >= count()) return {};
        const auto& [end, numbered, lossy] = pieces_[index];
        const auto bytes = bytes_of(index);
        const bool fits = bytes.size() <= 8 * block && end + block <= bytes_.size();
        return fits && numbered && !lossy ? bytes : std::string_view();
    }
    /// Appends a frame of another slice faster, as most are short and have to arrive.
    void put_plain(std::string_view bytes) {
        make_room(bytes.size());
        char* const target = bytes_.data() + size_;
        for (std::size_t done = 0; done < bytes.size(); done += block)
            std::memcpy(target + done, bytes.data() + done, block);
        size_ += bytes.size();
        end_frame(true);
    }
    /// Makes all frames that there are plain, if only their place stood against it.
    void pad() {
        if (bytes_.size() < size_ + block) bytes_.resize(size_ + block);
    }
    /// Makes room for so many bytes that `put_bytes` appends.
    void make_room(std::size_t bytes) {
        if (bytes_.size() < size_ + bytes + block) grow(size_ + bytes + block);
    }
    /// Appends a part of a frame, for which there is room, and which `end_frame` ends.
    void put_bytes(std::string_view bytes) noexcept {
        std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void end_frame(bool numbered) {
        pieces_.push_back({static_cast<std::uint32_t>(size_), numbered});
        numbered_ += numbered ? 1 : 0;
    }
    void clear() noexcept;

    std::size_t count() const noexcept { return pieces_.size(); }
    const Piece& piece(std::size_t index) const noexcept { return pieces_[index]; }
    /// All the bytes.
    std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }
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
    static constexpr char header_room[usual_header] = {};
    /// So much is copied at once, where there is room behind.
    static constexpr std::size_t block = 64;

    void grow(std::size_t size);
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
