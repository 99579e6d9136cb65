// Definitions of <chain/detail/batch.hpp>.
#pragma once

#include <chain/detail/batch.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/session_core.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace chain::detail {

/// `Pending::entry` of a session without one.
inline constexpr std::uint32_t nowhere = Pending{}.entry;

Batch::Batch(const Compression& compression) : compression_(compression) {}
Batch::~Batch() = default;

FrameText Batch::fit(Framing framing, const FrameText& text) const {
    if (framing == Framing::websocket_deflate)
        if (const auto deflated = deflate_message(text.text, compression_))
            return {*deflated, text.binary, true};
    return text;
}

bool Batch::append(Group& group, const FrameText& frame, const Membership* except,
                   const SharedFate& fate) {
    if (frame.binary && !carries_bytes(group.framing)) return false;
    if (!group.open) {
        group.open = take_source();
        open_groups_.emplace_back(&group.topic, &group);
    }
    auto& source = *group.open;
    source.append(group.framing, frame, true);
    if (fate) source.may_drop(fate);
    number(source, source.count() - 1);
    if (except && except->group() == &group) {
        frames_.back().except = except;
        mark(const_cast<Membership&>(*except));
    }
    return true;
}

bool Batch::append(SessionCore& session, std::string_view text, bool binary, bool numbered,
                   const SharedFate& fate) {
    const auto framing = session.framing();
    if (binary && !carries_bytes(framing)) return false;
    auto& source = own_source(session);
    source.append(framing, fit(framing, {text, binary}), numbered);
    if (fate) source.may_drop(fate);
    number_own(source);
    return true;
}

void Batch::append(SessionCore& session, const Message& message, bool numbered,
                   const SharedFate& fate) {
    auto& source = own_source(session);
    const bool binary = session.serializer().encode(message, source.begin_websocket());
    source.end_websocket(binary, numbered);
    if (fate) source.may_drop(fate);
    number_own(source);
}

void Batch::append_framed(SessionCore& session, std::string_view bytes) {
    auto& source = own_source(session);
    source.append_framed(bytes, false);
    number_own(source);
}

/// Gives the next number to the frames of `source` from the `first` on.
void Batch::number(Source& source, std::size_t first) {
    const auto number = static_cast<std::uint32_t>(frames_.size());
    frames_.push_back({&source,
                       static_cast<std::uint32_t>(first),
                       static_cast<std::uint32_t>(source.count()),
                       nullptr,
                       {}});
    auto& marks = source.marks;
    if (marks.empty() || marks.back().block != number / 64) marks.push_back({number / 64, 0});
    marks.back().bits |= std::uint64_t{1} << number % 64;
}

/// Gives a number to the last frame of a session's own: that of the one before it, when nobody else
/// was sent one since.
void Batch::number_own(Source& source) {
    if (!source.marks.empty() && frames_.back().slice == &source)
        frames_.back().end = static_cast<std::uint32_t>(source.count());
    else
        number(source, source.count() - 1);
}

Source& Batch::own_source(SessionCore& session) {
    auto& pending = session.pending();
    if (!pending.open) {
        pending.open = take_source();
        pending.open_index = static_cast<std::uint32_t>(open_sessions_.size());
        open_sessions_.push_back(&session);
    }
    return *pending.open;
}

void Batch::joined(Membership& member) {
    auto& group = *member.group();
    if (!group.open) return;
    member.skip(static_cast<std::uint32_t>(frames_.size()));
    mark(member);
}

void Batch::mark(Membership& member) {
    if (member.marked()) return;
    member.marked(true);
    member.group()->marked.push_back(&member);
}

void Batch::leaving(Membership& member) {
    auto& group = *member.group();
    std::erase(group.marked, &member);
    member.marked(false);
    member.skip(0);
}

void Batch::abandoned(Group& group) noexcept {
    if (!group.open) return;
    give_back(*std::exchange(group.open, nullptr));
    std::erase_if(open_groups_, [&](const auto& open) { return open.second == &group; });
}

void Batch::settle(SessionCore& session) {
    collect(session);
    const auto* open = session.pending().open;
    if (open ? open->marks != marks_ : !marks_.empty()) {
        auto* all = take_source();
        merge(*all, marks_, frames_);
        auto& own = own_source(session);
        std::swap(own, *all);
        give_back(*all);
        number(own, 0);
    }
    for (auto* member = session.memberships(); member; member = member->next())
        if (member->group()) joined(*member);
}

void Batch::deliver(SessionCore& session) {
    auto& pending = session.pending();
    if (pending.entry != nowhere) send(entries_[pending.entry]);
    settle(session);
    if (!pending.open) return;
    auto& source = *std::exchange(pending.open, nullptr);
    open_sessions_[pending.open_index] = nullptr;
    session.transmit(source);
    give_back(source);
}

void Batch::forget(SessionCore& session) noexcept {
    auto& pending = session.pending();
    if (pending.entry != nowhere) entries_[pending.entry].session = nullptr;
    if (pending.open) {
        open_sessions_[pending.open_index] = nullptr;
        give_back(*pending.open);
    }
    pending = {};
}

bool Batch::pending() const noexcept { return next_ < entries_.size() || !frames_.empty(); }

bool Batch::flush(std::size_t budget) {
    if (next_ == entries_.size()) seal();
    for (; next_ < entries_.size() && budget > 0; ++next_) {
        if (!entries_[next_].session) continue;
        send(entries_[next_]);
        --budget;
    }
    if (next_ == entries_.size()) recycle();
    return pending();
}

void Batch::send(Entry& entry) {
    auto& session = *entry.session;
    entry.session = nullptr;
    session.pending().entry = nowhere;
    session.transmit(entry.slice ? *entry.slice : merged(entry.plan));
}

/// Turns what was appended into one entry per session.
void Batch::seal() {
    for (auto& [topic, group] : open_groups_)
        for (auto* member : group->members) touch(*group, *member);
    for (auto* session : open_sessions_)
        if (session) touch(*session);
    for (auto& entry : entries_)
        if (entry.merge) plan(entry);
    close_groups();
    for (auto* session : open_sessions_) {
        if (!session) continue;
        turn_.push_back(session->pending().open);
        session->pending().open = nullptr;
    }
    open_sessions_.clear();
    seal_frames();
}

void Batch::touch(Group& group, Membership& member) {
    auto& session = member.session();
    auto& entry = session.pending().entry;
    if (entry == nowhere) {
        entry = static_cast<std::uint32_t>(entries_.size());
        entries_.push_back({&session, group.open, member.marked(), 0});
    } else {
        entries_[entry].merge = true;
    }
}

void Batch::touch(SessionCore& session) {
    auto& pending = session.pending();
    if (pending.entry == nowhere) {
        pending.entry = static_cast<std::uint32_t>(entries_.size());
        entries_.push_back({&session, pending.open, false, 0});
    } else {
        entries_[pending.entry].merge = true;
    }
}

/// Notes what a session gets from several sources. Sessions in the same topics get the same,
/// mostly.
void Batch::plan(Entry& entry) {
    collect(*entry.session);
    entry.slice = nullptr;
    entry.plan = plan_of_marks();
}

/// The number of the plan for `marks_`: it is looked for among those that came last.
std::uint32_t Batch::plan_of_marks() {
    std::uint64_t hash = 0;
    for (const auto& mark : marks_) hash = (hash + mark.block + mark.bits) * 0x9e3779b97f4a7c15U;
    const auto next = static_cast<std::uint32_t>(plans_.size());
    const auto oldest = next - std::min(next, remembered);
    for (auto plan = next; plan-- > oldest;)
        if (plans_[plan].hash == hash && std::ranges::equal(marks_, marks_of(plan))) return plan;
    plans_.push_back({static_cast<std::uint32_t>(turn_marks_.size()),
                      static_cast<std::uint32_t>(marks_.size()), hash});
    for (const auto& mark : marks_) turn_marks_.push_back(mark);
    return next;
}

/// Finds in `marks_` the frames that wait for `session`.
void Batch::collect(SessionCore& session) {
    marks_.clear();
    for (auto* member = session.memberships(); member; member = member->next()) {
        const auto* group = member->group();
        if (!group || !group->open) continue;
        for (const auto& mark : group->open->marks)
            collect(mark.block, member->marked() ? wanted(mark, *member) : mark.bits);
    }
    if (const auto* own = session.pending().open)
        for (const auto& mark : own->marks) collect(mark.block, mark.bits);
}

/// Adds some frames to `marks_`, mostly next to others.
void Batch::collect(std::uint32_t block, std::uint64_t bits) {
    if (!marks_.empty() && marks_.back().block == block)
        marks_.back().bits |= bits;
    else if (bits != 0)
        insert({block, bits});
}

void Batch::insert(const Mark& mark) {
    const auto at = std::ranges::lower_bound(marks_, mark.block, {}, &Mark::block);
    if (at != marks_.end() && at->block == mark.block)
        at->bits |= mark.bits;
    else
        marks_.insert(at, mark);
}

/// Of frames of its group, those that a marked member gets.
std::uint64_t Batch::wanted(const Mark& mark, const Membership& member) const noexcept {
    auto bits = mark.bits;
    for (auto rest = bits; rest != 0; rest &= rest - 1) {
        const auto number = 64 * mark.block + static_cast<std::uint32_t>(std::countr_zero(rest));
        if (number < member.skip() || frames_[number].except == &member) bits &= ~(rest & -rest);
    }
    return bits;
}

/// Appends the frames that `marks` say to `out`.
void Batch::merge(Slice& out, std::span<const Mark> marks, const std::vector<Frame>& frames) {
    for (const auto& mark : marks) {
        const auto* const block = frames.data() + std::size_t{64} * mark.block;
        for (auto bits = mark.bits; bits != 0; bits &= bits - 1) {
            const auto& frame = block[std::countr_zero(bits)];
            if (!frame.plain.empty()) {
                out.put_plain(frame.plain);
                continue;
            }
            for (auto index = frame.first; index != frame.end; ++index)
                out.put(*frame.slice, index);
        }
    }
}

std::span<const Mark> Batch::marks_of(std::uint32_t plan) const noexcept {
    return std::span(turn_marks_).subspan(plans_[plan].first, plans_[plan].count);
}

/// What is sent for an entry of several sources.
const Slice& Batch::merged(std::uint32_t plan) {
    const auto place = plan % remembered;
    if (merged_.size() <= place) merged_.resize(place + 1);
    auto& [of, slice] = merged_[place];
    if (of != plan) {
        slice.clear();
        merge(slice, marks_of(plan), turn_frames_);
        of = plan;
    }
    return slice;
}

void Batch::close_groups() {
    for (auto& [topic, group] : open_groups_) {
        group->open->pad();
        turn_.push_back(std::exchange(group->open, nullptr));
        for (auto* member : group->marked) {
            member->marked(false);
            member->skip(0);
        }
        group->marked.clear();
    }
    open_groups_.clear();
}

/// Nothing is appended to their slices any more.
void Batch::seal_frames() {
    std::swap(turn_frames_, frames_);
    if (plans_.empty()) return;
    for (auto& frame : turn_frames_)
        if (frame.end - frame.first == 1) frame.plain = frame.slice->plain(frame.first);
}

Source* Batch::take_source() {
    if (free_.empty()) {
        all_.push_back(std::make_unique<Source>());
        return all_.back().get();
    }
    auto* source = free_.back();
    free_.pop_back();
    return source;
}

void Batch::give_back(Source& source) {
    source.clear();
    source.marks.clear();
    free_.push_back(&source);
}

void Batch::forget_plans() noexcept {
    plans_.clear();
    turn_marks_.clear();
    for (auto& [plan, slice] : merged_) {
        plan = none;
        slice.clear();
    }
}

void Batch::recycle() {
    for (auto* source : turn_) give_back(*source);
    turn_.clear();
    turn_frames_.clear();
    entries_.clear();
    if (!plans_.empty()) forget_plans();
    next_ = 0;
}

} // namespace chain::detail
