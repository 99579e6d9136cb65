// Outbox: a session's numbered frames, and those that its connection could not take yet.
#pragma once

#include <chain/detail/fate.hpp>
#include <chain/detail/slice.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace chain::detail {

/// Is told each frame, framed, when it gets its number.
class FrameSink {
  public:
    virtual ~FrameSink() = default;
    virtual void numbered(std::string_view framed) = 0;
};

/// Writes frames as a connection wants them.
class FrameWriter {
  public:
    virtual ~FrameWriter() = default;
    /// Appends a framed notice that `count` frames of the topic were dropped, or nothing.
    virtual void gap(std::string& out, const std::string& topic, std::uint32_t count,
                     std::uint32_t number) = 0;
    /// Appends a frame, with the number that it will have.
    virtual void again(std::string& out, std::string_view framed, std::uint32_t number) = 0;
};

/// Numbers a session's frames from 1, when the first byte of each is handed to a connection, and
/// keeps what could not be handed over. A sink may be null.
class Outbox {
  public:
    Outbox();
    ~Outbox();

    /// How many frames have been numbered.
    std::uint32_t sent() const noexcept { return sent_; }
    /// The number of the next frame that is given to the outbox.
    std::uint32_t next() const noexcept {
        return sent_ + 1 + static_cast<std::uint32_t>(waiting_frames());
    }
    /// Nothing waits.
    bool idle() const noexcept { return !backlog_; }
    /// Bytes that wait.
    std::size_t unsent() const noexcept;
    /// Frames that wait for their numbers.
    std::size_t waiting_frames() const noexcept { return backlog_ ? backlog_->waiting : 0; }
    /// The bytes that wait, first to send first. After frames were dropped: after `tidy` only.
    std::string_view front() const noexcept;

    /// The connection took all of the slice.
    void handed_over(const Slice& slice, FrameSink* sink);
    /// The connection took only `taken` bytes of the slice; the rest waits. Some can be taken only
    /// when nothing waits. @return how many older frames were dropped in favour of newer ones
    std::size_t keep(const Slice& slice, std::size_t taken, FrameSink* sink);
    /// The connection took `count` more bytes of what waits.
    void handed_over(std::size_t count, FrameSink* sink);
    /// Drops the oldest of those frames that may be dropped, until no more than so much waits.
    /// @return how many
    std::size_t shed(const Backlog& most);
    /// Puts the notices of what was dropped in its place, and numbers right what follows.
    void tidy(FrameWriter& writer);
    /// Takes the rest of the frame of which a part was handed over, for its connection is going;
    /// the whole frames behind it still wait.
    std::string take_partial();
    /// Calls `f(framed, fate)` for each whole frame that waits for its number. Others (control
    /// frames, and what was sent before) are for one connection alone.
    template <class F>
    void waiting(F f) const {
        if (!backlog_) return;
        std::size_t begin = 0;
        for (const auto& frame : backlog_->frames) {
            if (frame.numbered)
                f(std::string_view(backlog_->bytes).substr(begin, frame.end - begin), frame.fate);
            begin = frame.end;
        }
    }
    /// Forgets the whole frames that wait, but not the rest of one that was begun. @return how many
    std::size_t forget_whole();
    /// Forgets all that waits. @return how many frames that were.
    std::size_t clear() noexcept;

  private:
    struct Frame {
        std::size_t end; ///< In `Waiting::bytes`.
        SharedFate fate; ///< Null when it has to arrive.
        bool numbered;   ///< Does it still have to be numbered?
        bool dropped = false;
        std::uint32_t lost = 0; ///< Where frames of the fate's topic were dropped: how many.
    };
    struct Waiting {
        std::string bytes;
        std::size_t taken = 0; ///< Bytes at the front that were handed over.
        std::vector<Frame> frames;
        std::size_t next = 0;          ///< First frame of which not all bytes were handed over.
        std::size_t waiting = 0;       ///< Frames to be numbered.
        std::size_t dead = 0;          ///< Bytes of dropped frames.
        std::size_t oldest = 0;        ///< No frame before it may be dropped to make room.
        bool untidy = false;           ///< Were frames dropped since the last `tidy`?
        std::vector<std::size_t> gaps; ///< Frames with `lost`.
        std::unordered_map<std::string_view, std::size_t> newest; ///< Frame by key.
    };

    bool has_partial() const noexcept;
    void advance(FrameSink* sink);
    void drop(std::size_t index) noexcept;
    void lose(std::size_t index);
    std::size_t conflate(std::size_t first);
    void compact();
    void rebuild(FrameWriter* writer);
    void reindex();
    std::size_t begin_of(std::size_t index) const noexcept {
        return index == 0 ? 0 : backlog_->frames[index - 1].end;
    }

    std::uint32_t sent_ = 0;
    std::unique_ptr<Waiting> backlog_;
};

} // namespace chain::detail
