// Definitions of <chain/detail/batch.hpp>.
#pragma once

#include <chain/detail/batch.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/session_core.hpp>

#include <algorithm>
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
        group.open = take_slice();
        open_groups_.emplace_back(&group.topic, &group);
    }
    if (except && except->group() == &group) {
        group.exceptions.emplace_back(group.open->count(), except);
        mark(const_cast<Membership&>(*except));
    }
    append(*group.open, group.framing, frame, true, fate);
    return true;
}

bool Batch::append(SessionCore& session, std::string_view text, bool binary, bool numbered,
                   const SharedFate& fate) {
    const auto framing = session.framing();
    if (binary && !carries_bytes(framing)) return false;
    append(own_slice(session), framing, fit(framing, {text, binary}), numbered, fate);
    return true;
}

void Batch::append(Slice& slice, Framing framing, const FrameText& frame, bool numbered,
                   const SharedFate& fate) {
    slice.append(framing, frame, ++order_, numbered);
    if (fate) slice.may_drop(fate);
}

void Batch::append(SessionCore& session, const Message& message, bool numbered,
                   const SharedFate& fate) {
    auto& slice = own_slice(session);
    const bool binary = session.serializer().encode(message, slice.begin_websocket());
    slice.end_websocket(binary, ++order_, numbered);
    if (fate) slice.may_drop(fate);
}

void Batch::append_framed(SessionCore& session, std::string_view bytes) {
    own_slice(session).append_framed(bytes, ++order_, false);
}

Slice& Batch::own_slice(SessionCore& session) {
    auto& pending = session.pending();
    if (!pending.open) {
        pending.open = take_slice();
        pending.open_index = static_cast<std::uint32_t>(open_sessions_.size());
        open_sessions_.push_back(&session);
    }
    return *pending.open;
}

void Batch::joined(Membership& member) {
    auto& group = *member.group();
    if (!group.open) return;
    member.skip(static_cast<std::uint32_t>(group.open->count()));
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
    std::erase_if(group.exceptions, [&](const auto& e) { return e.second == &member; });
    member.marked(false);
    member.skip(0);
}

void Batch::abandoned(Group& group) noexcept {
    if (!group.open) return;
    give_back(*std::exchange(group.open, nullptr));
    std::erase_if(open_groups_, [&](const auto& open) { return open.second == &group; });
}

void Batch::settle(SessionCore& session) {
    auto* all = take_slice();
    collect(session);
    merge(*all);
    if (all->count() > 0) std::swap(own_slice(session), *all);
    give_back(*all);
    for (auto* member = session.memberships(); member; member = member->next())
        if (member->group()) joined(*member);
}

void Batch::deliver(SessionCore& session) {
    auto& pending = session.pending();
    if (pending.entry != nowhere) send(entries_[pending.entry]);
    settle(session);
    if (!pending.open) return;
    auto& slice = *std::exchange(pending.open, nullptr);
    open_sessions_[pending.open_index] = nullptr;
    session.transmit(slice);
    give_back(slice);
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

bool Batch::pending() const noexcept {
    return next_ < entries_.size() || !open_groups_.empty() || !open_sessions_.empty();
}

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

/// Notes what a session gets from several sources. Where members are excepted it is merged at once,
/// for exceptions end with the turn.
void Batch::plan(Entry& entry) {
    collect(*entry.session);
    if (std::ranges::any_of(runs_, [](const Run& run) { return run.member; })) {
        auto* slice = take_slice();
        merge(*slice);
        turn_.push_back(slice);
        entry.slice = slice;
        return;
    }
    entry.slice = nullptr;
    entry.plan = plan_of_runs();
}

/// The number of the plan for `runs_`. Sessions in the same topics get the same, mostly: it is
/// looked for among those that came last.
std::uint32_t Batch::plan_of_runs() {
    std::uint64_t hash = 0;
    for (const auto& run : runs_) hash = (hash + run.order) * 0x9e3779b97f4a7c15U;
    const auto next = static_cast<std::uint32_t>(plans_.size());
    for (auto plan = next; plan > 0 && next - plan < remembered; --plan)
        if (plans_[plan - 1].hash == hash && std::ranges::equal(runs_, runs_of(plan - 1)))
            return plan - 1;
    plans_.push_back({static_cast<std::uint32_t>(turn_runs_.size()),
                      static_cast<std::uint32_t>(runs_.size()), hash});
    turn_runs_.insert(turn_runs_.end(), runs_.begin(), runs_.end());
    return next;
}

/// Lists in `runs_` the frames that wait for `session`, by source.
void Batch::collect(SessionCore& session) {
    const auto add = [this](const Slice& slice, std::size_t next, const Membership* member) {
        if (next < slice.count()) runs_.push_back({&slice, next, member, slice.piece(next).order});
    };
    runs_.clear();
    for (auto* member = session.memberships(); member; member = member->next()) {
        const auto* group = member->group();
        if (group && group->open)
            add(*group->open, member->skip(), member->marked() ? member : nullptr);
    }
    if (const auto* own = session.pending().open) add(*own, 0, nullptr);
}

/// Appends the frames of `runs_` to `out`, in order, and uses the runs up.
void Batch::merge(Slice& out) {
    std::size_t bytes = 0;
    std::size_t frames = 0;
    for (const auto& run : runs_) {
        bytes += run.slice->bytes_from(run.next);
        frames += run.slice->count() - run.next;
    }
    out.reserve(bytes, frames);
    while (auto* run = earliest()) {
        const auto index = run->next++;
        if (!run->member || !run->member->group()->excepts(index, *run->member))
            out.put(*run->slice, index);
        run->order = run->next < run->slice->count() ? run->slice->piece(run->next).order : used_up;
    }
}

/// Of `runs_`, the one whose next frame comes first, or null when all are used up.
Batch::Run* Batch::earliest() noexcept {
    Run* first = nullptr;
    auto order = used_up;
    const auto* const end = runs_.data() + runs_.size();
    for (auto* run = runs_.data(); run != end; ++run) {
        if (run->order >= order) continue;
        order = run->order;
        first = run;
    }
    return first;
}

std::span<const Batch::Run> Batch::runs_of(std::uint32_t plan) const noexcept {
    return std::span(turn_runs_).subspan(plans_[plan].first, plans_[plan].count);
}

/// What is sent for an entry of several sources.
const Slice& Batch::merged(std::uint32_t plan) {
    const auto place = plan % remembered;
    if (merged_.size() <= place) merged_.resize(place + 1);
    auto& [of, slice] = merged_[place];
    if (of != plan) {
        const auto runs = runs_of(plan);
        runs_.assign(runs.begin(), runs.end());
        slice.clear();
        merge(slice);
        of = plan;
    }
    return slice;
}

void Batch::close_groups() {
    for (auto& [topic, group] : open_groups_) {
        turn_.push_back(group->open);
        group->open = nullptr;
        for (auto* member : group->marked) {
            member->marked(false);
            member->skip(0);
        }
        group->marked.clear();
        group->exceptions.clear();
    }
    open_groups_.clear();
}

Slice* Batch::take_slice() {
    if (free_.empty()) {
        all_.push_back(std::make_unique<Slice>());
        return all_.back().get();
    }
    auto* slice = free_.back();
    free_.pop_back();
    return slice;
}

void Batch::give_back(Slice& slice) {
    slice.clear();
    free_.push_back(&slice);
}

void Batch::forget_plans() noexcept {
    plans_.clear();
    turn_runs_.clear();
    for (auto& [plan, slice] : merged_) {
        plan = none;
        slice.clear();
    }
}

void Batch::recycle() {
    for (auto* slice : turn_) give_back(*slice);
    turn_.clear();
    entries_.clear();
    if (!plans_.empty()) forget_plans();
    next_ = 0;
}

} // namespace chain::detail
