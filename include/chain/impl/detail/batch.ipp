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

void Batch::append(Group& group, std::string_view text, bool binary, const Membership* except) {
    if (!group.open) {
        group.open = take_slice();
        open_groups_.emplace_back(&group.topic, &group);
    }
    if (except && except->group() == &group) {
        group.exceptions.emplace_back(group.open->count(), except);
        mark(const_cast<Membership&>(*except));
    }
    append(*group.open, group.framing, text, binary, true);
}

void Batch::append(SessionCore& session, std::string_view text, bool binary, bool numbered) {
    append(own_slice(session), session.framing(), text, binary, numbered);
}

void Batch::append(Slice& slice, Framing framing, std::string_view text, bool binary,
                   bool numbered) {
    if (binary && !carries_bytes(framing)) return;
    const auto deflated =
        framing == Framing::websocket_deflate ? deflate_message(text, compression_) : std::nullopt;
    if (deflated)
        slice.append_deflated(*deflated, binary, ++order_, numbered);
    else
        slice.append(framing, text, binary, ++order_, numbered);
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
    auto* all = merged(session);
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
    session.transmit(*entry.slice);
}

/// Turns what was appended into one entry per session.
void Batch::seal() {
    for (auto& [topic, group] : open_groups_)
        for (auto* member : group->members) touch(*group, *member);
    for (auto* session : open_sessions_)
        if (session) touch(*session);
    for (auto& entry : entries_) {
        if (!entry.merge) continue;
        entry.slice = merged(*entry.session);
        turn_.push_back(entry.slice);
    }
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
        entries_.push_back({&session, group.open, member.marked()});
    } else {
        entries_[entry].merge = true;
    }
}

void Batch::touch(SessionCore& session) {
    auto& pending = session.pending();
    if (pending.entry == nowhere) {
        pending.entry = static_cast<std::uint32_t>(entries_.size());
        entries_.push_back({&session, pending.open, false});
    } else {
        entries_[pending.entry].merge = true;
    }
}

/// Lists in `sources_` every frame that waits for `session`, in order.
void Batch::collect(SessionCore& session) {
    sources_.clear();
    for (auto* member = session.memberships(); member; member = member->next()) {
        const auto* group = member->group();
        if (!group || !group->open) continue;
        for (std::size_t i = member->skip(); i < group->open->count(); ++i) {
            const auto excepted = std::pair<std::size_t, const Membership*>(i, member);
            if (!member->marked() ||
                std::ranges::find(group->exceptions, excepted) == group->exceptions.end())
                sources_.push_back({group->open, i});
        }
    }
    if (const auto* own = session.pending().open)
        for (std::size_t i = 0; i < own->count(); ++i) sources_.push_back({own, i});
    std::ranges::sort(sources_, {}, [](const Source& s) { return s.slice->piece(s.index).order; });
}

/// A new slice with every frame that waits for `session`, in order.
Slice* Batch::merged(SessionCore& session) {
    collect(session);
    auto* slice = take_slice();
    for (const auto& source : sources_) {
        const auto& piece = source.slice->piece(source.index);
        slice->append_framed(source.slice->bytes_of(source.index), piece.order, piece.numbered);
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

void Batch::recycle() {
    for (auto* slice : turn_) give_back(*slice);
    turn_.clear();
    entries_.clear();
    next_ = 0;
}

} // namespace chain::detail
