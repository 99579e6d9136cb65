// Definitions of <chain/detail/lane.hpp>: topics and broadcasts.
#pragma once

#include <chain/detail/channel_core.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/session_core.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

TopicEntry* Lane::find_topic(std::string_view topic) const noexcept {
    const auto found = topics_.find(topic);
    return found == topics_.end() ? nullptr : found->second.get();
}

Ref<TopicEntry> Lane::topic(std::string_view topic) {
    if (auto* found = find_topic(topic)) return Ref<TopicEntry>(found);
    auto channel = handler_->channel(topic);
    if (!channel) return nullptr;
    auto route = handler_->pubsub().router().add(topic, channel, *this);
    Ref<TopicEntry> entry(new TopicEntry(std::string(topic), std::move(channel), std::move(route)));
    topics_.emplace(entry->name(), entry);
    return entry;
}

void Lane::release_topic(TopicEntry& entry) {
    if (!entry.unused() || find_topic(entry.name()) != &entry) return;
    const Ref<TopicEntry> kept(&entry);
    topics_.erase(entry.name());
    handler_->pubsub().router().remove(entry.route(), *this);
}

void Lane::begin_joining(Membership& membership) {
    membership.entry().joining().push_back(&membership);
}

void Lane::join(Membership& membership) {
    std::erase(membership.entry().joining(), &membership);
    enter_group(membership);
}

void Lane::enter_group(Membership& membership) {
    auto& session = membership.session();
    auto& group = membership.entry().group(session.serializer(), session.framing());
    membership.place(&group, static_cast<std::uint32_t>(group.members.size()));
    group.members.push_back(&membership);
    batch_.joined(membership);
}

void Lane::leave(Membership& membership) {
    if (!membership.group()) return;
    batch_.settle(membership.session());
    drop(membership);
}

void Lane::drop(Membership& membership) noexcept {
    if (SocketAccess::membership(last_socket_) == &membership) last_socket_ = Socket{nullptr};
    std::erase(membership.entry().joining(), &membership);
    leave_group(membership);
    release_topic(membership.entry());
}

void Lane::leave_group(Membership& membership) noexcept {
    auto* group = membership.group();
    if (!group) return;
    batch_.leaving(membership);
    auto& members = group->members;
    members.back()->place(group, membership.index());
    members[membership.index()] = members.back();
    members.pop_back();
    membership.place(nullptr, 0);
    if (members.empty()) batch_.abandoned(*group);
}

void Lane::regroup(Membership& membership) {
    leave_group(membership);
    enter_group(membership);
}

void Lane::apply(const Ref<Broadcast>& shared) {
    auto* entry = find_topic(shared->message().topic);
    if (entry) apply(*entry, shared->message(), shared->except(), shared);
}

void Lane::apply(TopicEntry& entry, const Message& message, const Membership* except,
                 Ref<Broadcast> shared) {
    auto& channel = entry.channel();
    // A member of another lane is none here; nothing else of it may be looked at on this thread.
    if (except && &except->session().lane() != this) except = nullptr;
    const bool intercepted = !channel.out.empty() && channel.out.match(message.event);
    if (intercepted || !entry.joining().empty()) {
        if (!shared)
            shared = new Broadcast(message, Ref<Membership>(const_cast<Membership*>(except)), {},
                                   nullptr);
        for (auto* membership : entry.joining())
            if (membership != except) membership->hold(shared, intercepted);
    }
    if (intercepted) {
        intercept(entry, std::move(shared));
        return;
    }
    const auto fate = handler_->fate_of(channel.slow, message);
    for (const auto& group : entry.groups())
        if (!group->members.empty()) append(*group, message, except, shared.get(), fate);
}

void Lane::append(Group& group, const Message& message, const Membership* except,
                  const Broadcast* shared, const SharedFate& fate) {
    if (const auto prepared =
            shared ? shared->encoded(group.serializer, group.framing) : std::nullopt)
        return append(group, *prepared, except, fate);
    auto& text = scratch();
    const bool binary = group.serializer.encode(message, text);
    append(group, batch_.fit(group.framing, {text, binary}), except, fate);
}

void Lane::append(Group& group, const FrameText& frame, const Membership* except,
                  const SharedFate& fate) {
    if (batch_.append(group, frame, except, fate)) return;
    tell_not_carried(group.members.size() - (except && except->group() == &group ? 1 : 0));
}

/// Told later, as the topic may be locked, and the observer is the application's.
void Lane::tell_not_carried(std::size_t frames) {
    if (frames == 0) return;
    later([this, frames] {
        handler_->notify(
            [&](Observer& o) { o.frames_dropped(frames, make_error_code(Errc::text_only)); });
    });
}

/// Lets the out handler see the broadcast for each subscriber that there is now, once the current
/// handler has returned.
void Lane::intercept(TopicEntry& entry, Ref<Broadcast> shared) {
    std::vector<Ref<Membership>> members;
    for (const auto& group : entry.groups())
        for (auto* member : group->members)
            if (member != shared->except()) members.emplace_back(member);
    later([members = std::move(members), shared = std::move(shared)] {
        for (const auto& member : members) member->deliver_intercepted(shared);
    });
}

} // namespace chain::detail
