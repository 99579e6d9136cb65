// KeptFrames: frames that were sent and not confirmed yet.
#pragma once

#include <chain/detail/framing.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// The newest of a session's numbered frames, without their framing, until the client has confirmed
/// them or there are too many. Holds nothing while it is empty.
class KeptFrames {
  public:
    /// The number of the newest frame; 0 when there was none.
    std::uint32_t last() const noexcept { return last_; }
    std::size_t size() const noexcept { return frames_.size() - head_; }
    bool empty() const noexcept { return size() == 0; }
    /// Bytes of the kept frames' texts.
    std::size_t bytes() const noexcept { return bytes_.size() - begin_; }
    /// Are all frames after number `received` kept?
    bool reaches(std::uint32_t received) const noexcept { return last_ - received <= size(); }
    /// When the oldest was kept. There must be one.
    std::uint32_t oldest() const noexcept { return frames_[head_].at; }

    /// Keeps the frame that follows the last one, at the time `now`.
    void keep(const FrameText& frame, std::uint32_t now);
    /// Forgets what the client has received: frames up to the number `count`. A number that was not
    /// sent yet is ignored.
    void confirm(std::uint32_t count) noexcept;
    /// Forgets the oldest until no more than so many are left.
    void limit(std::size_t bytes, std::size_t frames) noexcept;
    /// Forgets those that were kept `age` ago or earlier.
    void expire(std::uint32_t now, std::uint32_t age) noexcept;
    void clear() noexcept { forget(size()); }

    /// Calls `f(number, frame)` for each kept frame after number `received`.
    template <class F>
    void after(std::uint32_t received, F f) const {
        auto begin = begin_;
        auto number = last_ - static_cast<std::uint32_t>(size());
        for (auto i = head_; i < frames_.size(); ++i) {
            const std::size_t length = frames_[i].length;
            if (static_cast<std::int32_t>(++number - received) > 0)
                f(number, FrameText{std::string_view(bytes_).substr(begin, length),
                                    frames_[i].binary, frames_[i].deflated});
            begin += length;
        }
    }

  private:
    struct Frame {
        std::uint32_t length;
        std::uint32_t at;
        bool binary;
        bool deflated;
    };

    void forget(std::size_t count) noexcept;

    std::string bytes_;
    std::vector<Frame> frames_;
    std::size_t begin_ = 0; ///< Where the oldest begins in `bytes_`.
    std::size_t head_ = 0;  ///< The oldest in `frames_`.
    std::uint32_t last_ = 0;
};

} // namespace chain::detail
