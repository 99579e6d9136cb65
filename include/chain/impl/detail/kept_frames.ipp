// Definitions of <chain/detail/kept_frames.hpp>.
#pragma once

#include <chain/detail/kept_frames.hpp>

namespace chain::detail {

void KeptFrames::keep(const FrameText& frame, std::uint32_t now) {
    bytes_.append(frame.text);
    const auto length = static_cast<std::uint32_t>(frame.text.size());
    frames_.push_back({length, now, frame.binary, frame.deflated});
    ++last_;
}

void KeptFrames::confirm(std::uint32_t count) noexcept {
    const auto unconfirmed = last_ - count;
    if (unconfirmed < size()) forget(size() - unconfirmed);
}

void KeptFrames::limit(std::size_t bytes, std::size_t frames) noexcept {
    std::size_t count = size() > frames ? size() - frames : 0;
    auto left = this->bytes();
    for (std::size_t i = 0; i < size() && (i < count || left > bytes); ++i) {
        left -= frames_[head_ + i].length;
        if (i >= count) count = i + 1;
    }
    forget(count);
}

void KeptFrames::expire(std::uint32_t now, std::uint32_t age) noexcept {
    std::size_t count = 0;
    while (count < size() && now - frames_[head_ + count].at >= age) ++count;
    forget(count);
}

void KeptFrames::forget(std::size_t count) noexcept {
    for (; count > 0; --count) begin_ += frames_[head_++].length;
    if (empty()) {
        bytes_ = {};
        frames_ = {};
        begin_ = head_ = 0;
    } else if (head_ > frames_.size() / 2) {
        bytes_.erase(0, begin_);
        frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(head_));
        begin_ = head_ = 0;
    }
}

} // namespace chain::detail
