// Definitions of <chain/detail/outbox.hpp>.
#pragma once

#include <chain/detail/outbox.hpp>

#include <algorithm>

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

void Outbox::keep(const Slice& slice, std::size_t taken) {
    if (!backlog_) backlog_ = std::make_unique<Backlog>();
    const auto at = backlog_->bytes.size();
    backlog_->bytes += slice.bytes();
    for (std::size_t i = 0; i < slice.count(); ++i)
        backlog_->frames.push_back({at + slice.piece(i).end, slice.piece(i).numbered});
    if (taken > 0) handed_over(taken);
}

void Outbox::handed_over(std::size_t count) {
    auto& [bytes, taken, frames, next] = *backlog_;
    taken += count;
    advance();
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
void Outbox::advance() {
    auto& frames = backlog_->frames;
    auto& next = backlog_->next;
    while (next < frames.size()) {
        const auto begin = next == 0 ? 0 : frames[next - 1].end;
        if (begin >= backlog_->taken) return;
        sent_ += frames[next].numbered ? 1 : 0;
        frames[next].numbered = false;
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
    handed_over(size);
    return rest;
}

std::size_t Outbox::clear() noexcept {
    const auto count = backlog_ ? backlog_->frames.size() - backlog_->next : 0;
    backlog_.reset();
    return count;
}

} // namespace chain::detail
