// Definitions of <chain/detail/outbox.hpp>.
#pragma once

#include <chain/detail/outbox.hpp>

namespace chain::detail {

Outbox::Outbox() = default;
Outbox::~Outbox() = default;

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
    backlog_->taken += count;
    advance();
    if (backlog_->taken == backlog_->bytes.size()) {
        backlog_.reset();
    } else if (backlog_->taken > backlog_->bytes.size() / 2) {
        backlog_->bytes.erase(0, backlog_->taken);
        backlog_->frames.erase(backlog_->frames.begin(),
                               backlog_->frames.begin() + static_cast<std::ptrdiff_t>(backlog_->next));
        for (auto& frame : backlog_->frames) frame.end -= backlog_->taken;
        backlog_->next = backlog_->taken = 0;
    }
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
