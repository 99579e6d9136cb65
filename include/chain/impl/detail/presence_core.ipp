// Definitions of <chain/detail/presence_core.hpp>: who tracks what.
#pragma once

#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/node_presence.hpp>
#include <chain/detail/presence_core.hpp>
#include <chain/detail/utf8.hpp>
#include <chain/topic.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace chain::detail {

PresenceCore::PresenceCore(const Handler& handler, PresenceConfig config)
    : config_(std::move(config)), handler_(HandlerAccess::core(handler)),
      pubsub_(HandlerAccess::core(handler)->shared_pubsub()), store_(config_.store) {
    if (!valid_event(config_.state_event) || !valid_event(config_.diff_event))
        throw std::invalid_argument("chain: \"" + config_.state_event + "\" or \"" +
                                    config_.diff_event + "\" is not an event name");
    for (const auto& event : {config_.state_event, config_.diff_event})
        HandlerAccess::core(handler)->must_arrive(event);
    auto& cluster = HandlerAccess::core(handler)->shared_cluster();
    if (!store_)
        store_ = std::make_shared<NodePresence>(
            cluster, "presence" + std::to_string(cluster->next_number()));
    const auto random = make_random_id();
    std::copy_n(random.begin(), ref_prefix_.size(), ref_prefix_.begin());
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const auto epoch = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
    node_ = std::make_shared<const PresenceNode>(
        PresenceNode{config_.node.empty() ? to_hex(make_random_id()) : config_.node,
                     static_cast<std::uint64_t>(epoch)});
}

std::shared_ptr<PresenceCore> PresenceCore::make(const Handler& handler, PresenceConfig config) {
    const std::shared_ptr<PresenceCore> core(new PresenceCore(handler, std::move(config)));
    core->store_->start(*core->node_, [weak = std::weak_ptr(core)](const PresenceChange& change) {
        if (const auto self = weak.lock()) self->merge(change);
    });
    return core;
}

const std::string& PresenceCore::topic_of(const PresenceOwner& owner) noexcept {
    return owner.socket_ ? owner.socket_->topic() : owner.topic_;
}

/// The owner's name among all; a control character cannot be part of a topic.
std::string PresenceCore::id_of(const PresenceOwner& owner) {
    if (owner.socket_) return id_of(*SocketAccess::membership(*owner.socket_));
    return owner.topic_ + "\x01" + owner.id_;
}

/// A membership is told of its end before it is destroyed, so that its address names it.
std::string PresenceCore::id_of(const Membership& membership) {
    return membership.topic() + "\x02" +
           std::to_string(reinterpret_cast<std::uintptr_t>(&membership));
}

error_code PresenceCore::check(const PresenceOwner& owner, std::string_view key) const {
    if (!valid_topic(topic_of(owner))) return make_error_code(Errc::invalid_topic);
    if (!valid_utf8(key)) return make_error_code(Errc::invalid_payload);
    if (key.size() > config_.key_bytes) return make_error_code(Errc::meta_too_big);
    if (!owner.socket_) return {};
    if (&SocketAccess::membership(*owner.socket_)->session().lane().handler().pubsub() !=
        pubsub_.get())
        return make_error_code(Errc::unmatched_topic);
    if (owner.socket_->status() > SocketStatus::joined) return make_error_code(Errc::not_joined);
    return {};
}

/// 12 bytes as 16 characters of the URL-safe base64 alphabet: 6 random ones of this process, 6 of a
/// counter.
std::string PresenceCore::make_ref() {
    static constexpr char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const auto number = refs_.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t prefix = 0;
    for (const auto byte : ref_prefix_) prefix = prefix << 8U | byte;
    std::string ref;
    for (const auto half : {prefix, number})
        for (unsigned shift = 48; shift > 0;) ref += alphabet[half >> (shift -= 6) & 63U];
    return ref;
}

result<PresenceEntryPtr> PresenceCore::make_entry(std::string_view key, Json meta,
                                                  std::string_view prev) {
    if (!meta.is_object()) return make_error_code(Errc::invalid_meta);
    meta.erase("phx_ref");
    meta.erase("phx_ref_prev");
    auto text = to_text(meta);
    if (!text) return text.error();
    if (text->size() > config_.meta_bytes) return make_error_code(Errc::meta_too_big);
    auto ref = make_ref();
    text->pop_back();
    *text += meta.empty() ? R"("phx_ref":")" : R"(,"phx_ref":")";
    text->append(ref).append("\"");
    if (!prev.empty()) text->append(R"(,"phx_ref_prev":")").append(prev).append("\"");
    *text += '}';
    return std::make_shared<const PresenceEntry>(
        PresenceEntry{std::string(key), std::move(ref), std::move(*text)});
}

bool PresenceCore::wants_changes() const noexcept {
    return config_.diffs != PresenceDiffs::none || config_.on_change;
}

/// Has the socket's end told here.
error_code PresenceCore::watch(const PresenceOwner& owner) {
    if (!owner.socket_) return {};
    const auto& membership = SocketAccess::membership(*owner.socket_);
    auto& lane = membership->session().lane();
    if (lane.here()) {
        membership->watch(shared_from_this());
        return {};
    }
    const bool posted = lane.post([self = shared_from_this(), membership] {
        if (membership->status() <= SocketStatus::joined)
            membership->watch(self);
        else
            self->ended(*membership, false);
    });
    if (posted) return {};
    ended(*membership, false);
    return make_error_code(Errc::closed);
}

result<std::string> PresenceCore::track(const PresenceOwner& owner, std::string_view key,
                                        Json meta) {
    if (const auto refused = check(owner, key)) return refused;
    const auto made = make_entry(key, std::move(meta), {});
    if (!made) return made.error();
    const auto& topic = topic_of(owner);
    const auto id = id_of(owner);
    auto& shard = this->shard(topic);
    {
        const std::lock_guard lock(shard.mutex);
        const auto mine = shard.owners.find(id);
        if (mine != shard.owners.end() && mine->second.contains(key))
            return make_error_code(Errc::already_tracked);
        if (store_->find(topic, key).size() >= config_.metas_per_key)
            return make_error_code(Errc::too_many_metas);
        change(shard, topic, {*made}, {});
        shard.owners[id].emplace(key, *made);
    }
    if (const auto failed = watch(owner)) return failed;
    store_->flush();
    settle(topic);
    return (*made)->ref;
}

result<std::string> PresenceCore::update(const PresenceOwner& owner, std::string_view key,
                                         const Change& change_meta) {
    const auto& topic = topic_of(owner);
    const auto id = id_of(owner);
    auto& shard = this->shard(topic);
    const auto current = [&]() -> PresenceEntryPtr* {
        const auto mine = shard.owners.find(id);
        if (mine == shard.owners.end()) return nullptr;
        const auto found = mine->second.find(key);
        return found == mine->second.end() ? nullptr : &found->second;
    };
    for (;;) {
        PresenceEntryPtr old;
        {
            const std::lock_guard lock(shard.mutex);
            if (const auto* found = current()) old = *found;
        }
        if (!old) return make_error_code(Errc::not_present);
        const auto made = make_entry(key, change_meta(Json::parse(old->meta)), old->ref);
        if (!made) return made.error();
        {
            const std::lock_guard lock(shard.mutex);
            auto* found = current();
            if (!found || *found != old) continue;
            change(shard, topic, {*made}, {old});
            *found = *made;
        }
        store_->flush();
        settle(topic);
        return (*made)->ref;
    }
}

void PresenceCore::untrack(const PresenceOwner& owner, std::string_view key) {
    const auto& topic = topic_of(owner);
    auto& shard = this->shard(topic);
    {
        const std::lock_guard lock(shard.mutex);
        const auto mine = shard.owners.find(id_of(owner));
        if (mine == shard.owners.end()) return;
        const auto found = mine->second.find(key);
        if (found == mine->second.end()) return;
        change(shard, topic, {}, {found->second});
        mine->second.erase(found);
        if (mine->second.empty()) shard.owners.erase(mine);
    }
    store_->flush();
    settle(topic);
}

void PresenceCore::untrack(const PresenceOwner& owner) {
    drop(topic_of(owner), id_of(owner), false);
}

void PresenceCore::ended(Membership& membership, bool quietly) noexcept {
    try {
        drop(membership.topic(), id_of(membership), quietly);
    } catch (...) {
        hook_threw("store"); // one of the application's
    }
}

/// Removes all that an owner tracks.
void PresenceCore::drop(std::string_view topic, const std::string& id, bool quietly) {
    auto& shard = this->shard(topic);
    {
        const std::lock_guard lock(shard.mutex);
        const auto mine = shard.owners.find(id);
        if (mine == shard.owners.end()) return;
        PresenceEntries leaves;
        for (const auto& [key, entry] : mine->second) leaves.push_back(entry);
        change(shard, topic, {}, std::move(leaves));
        shard.owners.erase(mine);
    }
    store_->flush();
    settle(std::string(topic), quietly);
}

/// Under the shard's lock: makes a change of this node's own entries.
void PresenceCore::change(Shard& shard, std::string_view topic, PresenceEntries joins,
                          PresenceEntries leaves) {
    apply(shard, {node_, std::string(topic), std::move(joins), std::move(leaves)});
}

/// Under the shard's lock: keeps a change, and what is to be told of it.
void PresenceCore::apply(Shard& shard, const PresenceChange& change) {
    store_->apply(change);
    if (!wants_changes()) return;
    auto& topic = shard.topics[change.topic];
    topic.pending.add(change);
    topic.due |= config_.window.count() == 0;
}

void PresenceCore::merge(const PresenceChange& change) {
    {
        auto& shard = this->shard(change.topic);
        const std::lock_guard lock(shard.mutex);
        apply(shard, change);
    }
    settle(change.topic);
}

/// All entries of a topic, to be shown to somebody.
PresenceEntries PresenceCore::shown(std::string_view topic) {
    auto& shard = this->shard(topic);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.topics.find(topic);
    if (found != shard.topics.end()) found->second.pending.shown();
    return store_->list(topic);
}

Json PresenceCore::list(std::string_view topic) {
    return enriched(topic, Json::parse(presences_text(shown(topic))));
}

Json PresenceCore::find(std::string_view topic, std::string_view key) {
    PresenceEntries entries;
    {
        auto& shard = this->shard(topic);
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.topics.find(topic);
        if (found != shard.topics.end()) found->second.pending.shown();
        entries = store_->find(topic, key);
    }
    if (entries.empty()) return nullptr;
    return enriched(topic, Json::parse(presences_text(entries))).front();
}

PresenceCounts PresenceCore::count(std::string_view topic) {
    const std::lock_guard lock(shard(topic).mutex);
    return store_->count(topic);
}

} // namespace chain::detail
