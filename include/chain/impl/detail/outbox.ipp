// Definitions of <chain/detail/outbox.hpp>.
#pragma once

#include <chain/detail/outbox.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

Outbox::Outbox() = default;
Outbox::~Outbox() = default;

std::size_t Outbox::unsent() const noexcept {
    return backlog_ ? backlog_->bytes.size() - backlog_->taken - backlog_->dead : 0;
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

std::size_t Outbox::keep(const Slice& slice, std::size_t taken, FrameSink* sink) {
    if (!backlog_) backlog_ = std::make_unique<Waiting>();
    auto first = backlog_->frames.size();
    const auto at = backlog_->bytes.size();
    backlog_->bytes += slice.bytes();
    for (std::size_t i = 0; i < slice.count(); ++i) {
        const auto* fate = slice.fate(i);
        backlog_->frames.push_back(
            {at + slice.piece(i).end, fate ? *fate : nullptr, slice.piece(i).numbered});
    }
    backlog_->waiting += slice.numbered();
    if (taken > 0) {
        handed_over(taken, sink);
        first = 0;
    }
    return slice.lossy() && backlog_ ? conflate(first) : 0;
}

void Outbox::handed_over(std::size_t count, FrameSink* sink) {
    auto& backlog = *backlog_;
    backlog.taken += count;
    advance(sink);
    if (backlog.next == backlog.frames.size()) {
        backlog_.reset();
        return;
    }
    // Whole frames only: of one that is handed over in part, the beginning must stay known.
    const auto whole = begin_of(backlog.next);
    if (whole <= backlog.bytes.size() / 2) return;
    backlog.bytes.erase(0, whole);
    backlog.frames.erase(backlog.frames.begin(),
                         backlog.frames.begin() + static_cast<std::ptrdiff_t>(backlog.next));
    for (auto& frame : backlog.frames) frame.end -= whole;
    backlog.taken -= whole;
    backlog.next = 0;
    reindex();
}

/// Numbers the frames whose first byte is handed over, and passes those that are handed over whole.
void Outbox::advance(FrameSink* sink) {
    auto& frames = backlog_->frames;
    auto& next = backlog_->next;
    while (next < frames.size()) {
        const auto begin = begin_of(next);
        if (begin >= backlog_->taken) return;
        if (std::exchange(frames[next].numbered, false)) {
            ++sent_;
            --backlog_->waiting;
            if (sink)
                sink->numbered(
                    std::string_view(backlog_->bytes).substr(begin, frames[next].end - begin));
        }
        if (frames[next].end > backlog_->taken) return;
        ++next;
    }
}

bool Outbox::has_partial() const noexcept {
    return backlog_ && backlog_->taken > begin_of(backlog_->next);
}

std::string Outbox::take_partial() {
    if (!has_partial()) return {};
    const auto size = backlog_->frames[backlog_->next].end - backlog_->taken;
    std::string rest(front().substr(0, size));
    handed_over(size, nullptr); // it has its number already
    return rest;
}

std::size_t Outbox::forget_whole() {
    if (!has_partial()) return clear();
    const auto begin = begin_of(backlog_->next);
    auto rest = std::make_unique<Waiting>();
    rest->bytes.assign(backlog_->bytes, begin, backlog_->frames[backlog_->next].end - begin);
    rest->taken = backlog_->taken - begin;
    rest->frames.push_back({rest->bytes.size(), nullptr, false});
    const auto count = clear() - 1;
    backlog_ = std::move(rest);
    return count;
}

std::size_t Outbox::clear() noexcept {
    std::size_t count = 0;
    if (backlog_)
        for (auto i = backlog_->next; i < backlog_->frames.size(); ++i)
            if (!backlog_->frames[i].dropped) ++count;
    backlog_.reset();
    return count;
}

// -------------------------------------------------------------------------------------------------
// What need not arrive

void Outbox::drop(std::size_t index) noexcept {
    auto& frame = backlog_->frames[index];
    frame.dropped = true;
    frame.numbered = false;
    --backlog_->waiting;
    backlog_->dead += frame.end - begin_of(index);
    backlog_->untidy = true;
}

/// Notes that a frame was dropped, where the first of its topic was.
void Outbox::lose(std::size_t index) {
    auto& frames = backlog_->frames;
    const auto same = [&](std::size_t gap) {
        return frames[gap].fate->topic == frames[index].fate->topic;
    };
    auto& gaps = backlog_->gaps;
    const auto found = std::ranges::find_if(gaps, same);
    if (found != gaps.end()) {
        ++frames[*found].lost;
        return;
    }
    gaps.push_back(index);
    frames[index].lost = 1;
}

std::size_t Outbox::shed(const Backlog& most) {
    if (!backlog_) return 0;
    std::size_t count = 0;
    const auto& frames = backlog_->frames;
    auto& i = backlog_->oldest;
    for (i = std::max(i, backlog_->next); i < frames.size(); ++i) {
        if (unsent() <= most.bytes && waiting_frames() <= most.frames) break;
        if (!frames[i].numbered || !frames[i].fate ||
            frames[i].fate->kind != SlowPolicy::Kind::drop_oldest)
            continue;
        drop(i);
        lose(i);
        ++count;
    }
    compact();
    return count;
}

/// Lets frames from `first` on take the places of older ones with the same keys.
std::size_t Outbox::conflate(std::size_t first) {
    std::size_t count = 0;
    auto& newest = backlog_->newest;
    for (auto i = first; i < backlog_->frames.size(); ++i) {
        const auto& frame = backlog_->frames[i];
        if (!frame.numbered || !frame.fate || frame.fate->kind != SlowPolicy::Kind::conflate)
            continue;
        const auto older = newest.find(frame.fate->key);
        if (older != newest.end()) {
            if (backlog_->frames[older->second].numbered) {
                drop(older->second);
                ++count;
            }
            newest.erase(older); // its key is a view into the older frame's fate
        }
        newest.emplace(frame.fate->key, i);
    }
    compact();
    return count;
}

/// Gives memory of dropped frames back when there is much of it.
void Outbox::compact() {
    if (backlog_->dead > backlog_->bytes.size() / 2) rebuild(nullptr);
}

void Outbox::tidy(FrameWriter& writer) {
    if (!backlog_ || !backlog_->untidy) return;
    rebuild(&writer);
    backlog_->untidy = false;
    if (backlog_->frames.empty()) backlog_.reset();
}

/// Copies what waits without what was dropped. With a writer, gaps become notices.
void Outbox::rebuild(FrameWriter* writer) {
    auto& old = *backlog_;
    std::string bytes;
    std::vector<Frame> frames;
    auto number = sent_;
    const auto start = begin_of(old.next);
    for (auto i = old.next; i < old.frames.size(); ++i) {
        auto& frame = old.frames[i];
        const auto text = std::string_view(old.bytes).substr(begin_of(i), frame.end - begin_of(i));
        const auto before = bytes.size();
        if (!frame.dropped && writer && frame.numbered)
            writer->again(bytes, text, ++number);
        else if (!frame.dropped)
            bytes += text;
        else if (writer && frame.lost > 0)
            writer->gap(bytes, frame.fate->topic, frame.lost, number + 1);
        const bool notice = writer && frame.dropped && bytes.size() > before;
        if (notice) {
            ++number;
            ++old.waiting;
            frames.push_back({bytes.size(), nullptr, true});
        } else if (!frame.dropped || (!writer && frame.lost > 0)) {
            frames.push_back({bytes.size(), frame.fate, frame.numbered, frame.dropped, frame.lost});
        }
    }
    old.taken -= start;
    old.bytes = std::move(bytes);
    old.frames = std::move(frames);
    old.next = old.dead = 0;
    reindex();
}

/// The frames have got other places.
void Outbox::reindex() {
    auto& backlog = *backlog_;
    backlog.oldest = 0;
    backlog.gaps.clear();
    backlog.newest.clear();
    for (std::size_t i = 0; backlog.untidy && i < backlog.frames.size(); ++i)
        if (backlog.frames[i].lost > 0) backlog.gaps.push_back(i);
    for (std::size_t i = 0; i < backlog.frames.size(); ++i) {
        const auto& frame = backlog.frames[i];
        if (frame.numbered && frame.fate && frame.fate->kind == SlowPolicy::Kind::conflate)
            backlog.newest.insert_or_assign(frame.fate->key, i);
    }
}

} // namespace chain::detail
