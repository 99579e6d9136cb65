// Definitions of <chain/detail/outbox.hpp>.
#pragma once

#include <chain/detail/outbox.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

Outbox::Outbox() = default;
Outbox::~Outbox() = default;

std::uint32_t Outbox::next() const noexcept {
    if (!backlog_) return sent_ + 1;
    const auto waits = [](const Frame& frame) { return frame.numbered; };
    const auto first = backlog_->frames.begin() + static_cast<std::ptrdiff_t>(backlog_->next);
    return sent_ + 1 +
           static_cast<std::uint32_t>(std::count_if(first, backlog_->frames.end(), waits));
}

std::size_t Outbox::unsent() const noexcept {
    return backlog_ ? backlog_->bytes.size() - backlog_->taken : 0;
}

std::string_view Outbox::front() const noexcept {
    return backlog_ ? std::string_view(backlog_->bytes).substr(backlog_->taken)
                    : std::string_view();
}

void Outbox::handed_over(const Slice& slice, FrameSink* sink) {
    sent_ += slice.numbered();
    for (std::size_t i = 0; sink && i < slice.count(); ++i)
        if (slice.piece(i).numbered) sink->numbered(slice.bytes_of(i));
}

void Outbox::keep(const Slice& slice, std::size_t taken, FrameSink* sink) {
    if (!backlog_) backlog_ = std::make_unique<Backlog>();
    const auto at = backlog_->bytes.size();
    backlog_->bytes += slice.bytes();
    for (std::size_t i = 0; i < slice.count(); ++i)
        backlog_->frames.push_back({at + slice.piece(i).end, slice.piece(i).numbered});
    if (taken > 0) handed_over(taken, sink);
}

void Outbox::handed_over(std::size_t count, FrameSink* sink) {
    auto& [bytes, taken, frames, next] = *backlog_;
    taken += count;
    advance(sink);
    if (taken == bytes.size()) {
        backlog_.reset();
        return;
    }
    // Whole frames only: of one that is handed over in part, the beginning must stay known.
    const auto whole = next == 0 ? 0 : frames[next - 1].end;
    if (whole <= bytes.size() / 2) return;
    bytes.erase(0, whole);
    frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(next));
    for (auto& frame : frames) frame.end -= whole;
    taken -= whole;
    next = 0;
}

/// Numbers the frames whose first byte is handed over, and passes those that are handed over whole.
void Outbox::advance(FrameSink* sink) {
    auto& frames = backlog_->frames;
    auto& next = backlog_->next;
    while (next < frames.size()) {
        const auto begin = next == 0 ? 0 : frames[next - 1].end;
        if (begin >= backlog_->taken) return;
        if (std::exchange(frames[next].numbered, false)) {
            ++sent_;
            if (sink)
                sink->numbered(
                    std::string_view(backlog_->bytes).substr(begin, frames[next].end - begin));
        }
        if (frames[next].end > backlog_->taken) return;
        ++next;
    }
}

std::string Outbox::take_partial() {
    if (!backlog_ || backlog_->taken == 0) return {};
    const auto& frames = backlog_->frames;
    const auto begin = backlog_->next == 0 ? 0 : frames[backlog_->next - 1].end;
    if (backlog_->taken == begin) return {};
    const auto size = frames[backlog_->next].end - backlog_->taken;
    std::string rest(front().substr(0, size));
    handed_over(size, nullptr); // it has its number already
    return rest;
}

std::size_t Outbox::clear() noexcept {
    const auto count = backlog_ ? backlog_->frames.size() - backlog_->next : 0;
    backlog_.reset();
    return count;
}

} // namespace chain::detail
