// Definitions of <chain/detail/node_presence.hpp>.
#pragma once

#include <chain/detail/node_presence.hpp>
#include <chain/detail/node_wire.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace chain::detail {

// The first letter of a message: what it is.
inline constexpr char presence_version = 'V'; ///< name, epoch, number of the last change
inline constexpr char presence_diffs = 'D';   ///< number of the first change, changes
inline constexpr char presence_ask = 'A';     ///< for all entries
inline constexpr char presence_part = 'S';    ///< number, part, last (1 or 0), entries

NodePresence::NodePresence(std::shared_ptr<ClusterService> cluster, std::string kind)
    : cluster_(std::move(cluster)), kind_(std::move(kind)) {}

NodePresence::~NodePresence() = default;

void NodePresence::start(const PresenceNode& self, Merge merge) {
    self_ = self;
    merge_ = std::move(merge);
    const auto weak = weak_from_this();
    messages_ = cluster_->on(kind_, [weak](const RandomId& from, std::string_view bytes) {
        const auto store = weak.lock();
        return !store || store->came(from, bytes);
    });
    beats_ = cluster_->add_to_beat(kind_, [weak] {
        const auto store = weak.lock();
        return store ? store->version() : std::string();
    });
    ends_ = cluster_->on_end([weak](const RandomId& node) {
        if (const auto store = weak.lock()) store->gone(node);
    });
}

/// Under the mutex: from now on this node's entries are numbered. What was tracked before there was
/// an adapter counts as one change.
void NodePresence::begin_sharing() {
    if (sharing_ || !cluster_->linked()) return;
    sharing_ = true;
    each([this](const std::string& topic, const PresenceEntryPtr& entry) {
        own_[topic].emplace(entry->ref, entry);
    });
    if (!own_.empty()) sent_ = ++number_;
}

void NodePresence::apply(const PresenceChange& change) {
    const bool own = *change.node == self_ && cluster_->linked();
    if (own) {
        const std::lock_guard lock(mutex_);
        begin_sharing();
        auto& here = own_[change.topic];
        for (const auto& entry : change.leaves) here.erase(entry->ref);
        for (const auto& entry : change.joins) here.emplace(entry->ref, entry);
        if (here.empty()) own_.erase(change.topic);
        ++number_;
        unsent_.push_back(change);
    }
    MemoryPresenceStore::apply(change);
}

/// Sends what was not sent yet, in order: one thread at a time does it for all.
void NodePresence::flush() {
    {
        const std::lock_guard lock(mutex_);
        if (unsent_.empty() || std::exchange(sending_, true)) return;
    }
    std::string diffs;
    std::uint64_t last = 0;
    while (take_diffs(diffs, last)) {
        cluster_->broadcast(kind_, diffs); // what gets lost is asked for after the next beat
        const std::lock_guard lock(mutex_);
        sent_ = last;
    }
}

/// Takes about a part's worth of what is to be sent; when nothing is, ends this thread's turn.
bool NodePresence::take_diffs(std::string& diffs, std::uint64_t& last) {
    const std::lock_guard lock(mutex_);
    if (unsent_.empty()) {
        sending_ = false;
        return false;
    }
    last = number_ - unsent_.size();
    NodeWriter out;
    out.raw({&presence_diffs, 1}).number(last + 1);
    while (!unsent_.empty() && out.size() < part_bytes) {
        write_presence_diff(out, unsent_.front());
        unsent_.pop_front();
        ++last;
    }
    diffs = out.bytes();
    return true;
}

std::string NodePresence::version() {
    const std::lock_guard lock(mutex_);
    begin_sharing();
    NodeWriter out;
    out.raw({&presence_version, 1}).text(self_.name).number(self_.epoch).number(sent_);
    return out.bytes();
}

bool NodePresence::came(const RandomId& from, std::string_view bytes) {
    if (bytes.empty()) return false;
    const auto rest = bytes.substr(1);
    switch (bytes.front()) {
    case presence_version: return come_version(from, rest);
    case presence_diffs: return come_diffs(from, rest);
    case presence_part: return come_part(from, rest);
    case presence_ask: return rest.empty() && send_all(from);
    default: return false;
    }
}

/// Under the mutex: the node, unless a later life of it is known. Its former lives are over.
PresencePeer* NodePresence::meet(const RandomId& from, PresenceNode node) {
    const auto known = peers_.find(from);
    if (known != peers_.end()) return &known->second;
    if (node.name == self_.name && node.epoch <= self_.epoch) return nullptr;
    const auto same = [&](const auto& peer) { return peer.second.node().name == node.name; };
    const auto former = std::ranges::find_if(peers_, same);
    if (former != peers_.end()) {
        if (former->second.node().epoch >= node.epoch) return nullptr;
        Changes changes;
        former->second.drop(changes);
        untold_.insert(untold_.end(), changes.begin(), changes.end());
        peers_.erase(former);
    }
    return &peers_.emplace(from, std::move(node)).first->second;
}

bool NodePresence::come_version(const RandomId& from, std::string_view bytes) {
    NodeReader in(bytes);
    PresenceNode node;
    node.name = in.text();
    node.epoch = in.number();
    const auto number = in.number();
    if (!in.ended()) return false;
    bool behind = false;
    {
        const std::lock_guard lock(mutex_);
        begin_sharing();
        auto* peer = meet(from, std::move(node));
        behind = peer && peer->says(number);
    }
    tell({});
    if (behind) ask(from);
    return true;
}

bool NodePresence::come_diffs(const RandomId& from, std::string_view bytes) {
    NodeReader in(bytes);
    auto number = in.number();
    std::vector<PresenceDiff> diffs;
    while (in.more())
        if (!read_presence_diff(in, diffs.emplace_back())) return false;
    if (!in.ended()) return false;
    Changes changes;
    bool behind = false;
    {
        const std::lock_guard lock(mutex_);
        const auto peer = peers_.find(from);
        if (peer == peers_.end()) return true; // its next beat says who it is
        for (auto& diff : diffs) behind |= peer->second.take(number++, std::move(diff), changes);
    }
    tell(std::move(changes));
    if (behind) ask(from);
    return true;
}

bool NodePresence::come_part(const RandomId& from, std::string_view bytes) {
    NodeReader in(bytes);
    const auto number = in.number();
    const auto part = in.number();
    const auto last = in.number();
    PresenceTable entries;
    while (in.more())
        if (!read_presence_topic(in, entries)) return false;
    if (!in.ended() || last > 1) return false;
    Changes changes;
    bool behind = false;
    {
        const std::lock_guard lock(mutex_);
        const auto peer = peers_.find(from);
        if (peer == peers_.end()) return true;
        behind = peer->second.take_part(number, part, last == 1, std::move(entries), changes);
    }
    tell(std::move(changes));
    if (behind) ask(from);
    return true;
}

void NodePresence::gone(const RandomId& node) {
    Changes changes;
    {
        const std::lock_guard lock(mutex_);
        const auto peer = peers_.find(node);
        if (peer == peers_.end()) return;
        peer->second.drop(changes);
        peers_.erase(peer);
    }
    tell(std::move(changes));
}

void NodePresence::ask(const RandomId& node) { cluster_->send(node, kind_, {&presence_ask, 1}); }

/// Sends all of this node's entries, in parts. @return true
bool NodePresence::send_all(const RandomId& whom) {
    std::vector<std::pair<std::string, PresenceEntryPtr>> all;
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [topic, entries] : own_)
            for (const auto& [ref, entry] : entries) all.emplace_back(topic, entry);
        number = number_;
    }
    std::size_t next = 0;
    for (std::uint64_t part = 0; part == 0 || next < all.size(); ++part) {
        NodeWriter entries;
        for (; next < all.size() && entries.size() < part_bytes; ++next)
            write_presence_topic(entries, all[next].first, *all[next].second);
        NodeWriter out;
        out.raw({&presence_part, 1}).number(number).number(part).number(next == all.size());
        cluster_->send(whom, kind_, out.raw(entries.bytes()).bytes());
    }
    return true;
}

/// Hands on what other nodes have changed, in order, without a lock: one thread at a time does it
/// for all.
void NodePresence::tell(Changes changes) {
    std::unique_lock lock(mutex_);
    untold_.insert(untold_.end(), std::make_move_iterator(changes.begin()),
                   std::make_move_iterator(changes.end()));
    if (untold_.empty() || std::exchange(telling_, true)) return;
    while (!untold_.empty()) {
        const auto change = std::move(untold_.front());
        untold_.pop_front();
        lock.unlock();
        merge_(change);
        lock.lock();
    }
    telling_ = false;
}

} // namespace chain::detail
