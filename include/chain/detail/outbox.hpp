// Outbox: a session's numbered frames, and those that its connection could not take yet.
#pragma once

#include <chain/detail/slice.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// Is told each frame, framed, when it gets its number.
class FrameSink {
  public:
    virtual ~FrameSink() = default;
    virtual void numbered(std::string_view framed) = 0;
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
    std::uint32_t next() const noexcept;
    /// Nothing waits.
    bool idle() const noexcept { return !backlog_; }
    /// Bytes that wait.
    std::size_t unsent() const noexcept;
    /// The bytes that wait, first to send first.
    std::string_view front() const noexcept;

    /// The connection took all of the slice.
    void handed_over(const Slice& slice, FrameSink* sink);
    /// The connection took only `taken` bytes of the slice; the rest waits.
    void keep(const Slice& slice, std::size_t taken, FrameSink* sink);
    /// The connection took `count` more bytes of what waits.
    void handed_over(std::size_t count, FrameSink* sink);
    /// Takes the rest of the frame of which a part was handed over, for its connection is going;
    /// the whole frames behind it still wait.
    std::string take_partial();
    /// Calls `f(framed)` for each whole frame that waits for its number. Others (control frames,
    /// and what was sent before) are for one connection alone.
    template <class F>
    void waiting(F f) const {
        if (!backlog_) return;
        std::size_t begin = 0;
        for (const auto& frame : backlog_->frames) {
            if (frame.numbered)
                f(std::string_view(backlog_->bytes).substr(begin, frame.end - begin));
            begin = frame.end;
        }
    }
    /// Forgets all that waits. @return how many frames that were.
    std::size_t clear() noexcept;

  private:
    struct Frame {
        std::size_t end; ///< In `Backlog::bytes`.
        bool numbered;   ///< Does it still have to be numbered?
    };
    struct Backlog {
        std::string bytes;
        std::size_t taken = 0; ///< Bytes at the front that were handed over.
        std::vector<Frame> frames;
        std::size_t next = 0; ///< First frame of which not all bytes were handed over.
    };

    void advance(FrameSink* sink);

    std::uint32_t sent_ = 0;
    std::unique_ptr<Backlog> backlog_;
};

} // namespace chain::detail
