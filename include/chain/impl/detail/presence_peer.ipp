// Definitions of <chain/detail/presence_peer.hpp>.
#pragma once

#include <chain/detail/json_scan.hpp>
#include <chain/detail/node_wire.hpp>
#include <chain/detail/presence_peer.hpp>
#include <chain/detail/utf8.hpp>
#include <chain/topic.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

void write_entry(NodeWriter& out, const PresenceEntry& entry) {
    out.text(entry.key).text(entry.ref).text(entry.meta);
}

/// Refs and metas reach clients as they are.
bool good_ref(std::string_view ref) noexcept {
    const auto fits = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_';
    };
    return !ref.empty() && ref.size() <= 64 && std::ranges::all_of(ref, fits);
}

bool good_meta(std::string_view meta) noexcept {
    JsonScanner scanner(meta, JsonScanner::depth_capacity);
    const auto value = scanner.value();
    return value && value->kind == '{' && value->text == meta && value->compact;
}

PresenceEntryPtr read_entry(NodeReader& in) {
    const auto key = in.text();
    const auto ref = in.text();
    const auto meta = in.text();
    if (!in.good() || !valid_utf8(key) || !good_ref(ref) || !good_meta(meta)) return nullptr;
    return std::make_shared<const PresenceEntry>(
        PresenceEntry{std::string(key), std::string(ref), std::string(meta)});
}

void write_presence_diff(NodeWriter& out, const PresenceChange& change) {
    out.text(change.topic).number(change.joins.size()).number(change.leaves.size());
    for (const auto& entry : change.joins) write_entry(out, *entry);
    for (const auto& entry : change.leaves) out.text(entry->ref);
}

bool read_presence_diff(NodeReader& in, PresenceDiff& diff) {
    diff.topic = in.text();
    auto joins = in.number();
    auto leaves = in.number();
    if (!valid_topic(diff.topic)) return false;
    for (; joins > 0 && in.good(); --joins) {
        diff.joins.push_back(read_entry(in));
        if (!diff.joins.back()) return false;
    }
    for (; leaves > 0 && in.good(); --leaves) {
        diff.leaves.emplace_back(in.text());
        if (!good_ref(diff.leaves.back())) return false;
    }
    return in.good();
}

void write_presence_topic(NodeWriter& out, std::string_view topic, const PresenceEntry& entry) {
    out.text(topic);
    write_entry(out, entry);
}

bool read_presence_topic(NodeReader& in, PresenceTable& table) {
    const auto topic = in.text();
    const auto entry = read_entry(in);
    if (!entry || !valid_topic(topic)) return false;
    table[std::string(topic)].insert_or_assign(entry->ref, entry);
    return true;
}

/// Once; then the answer has some time to come.
bool PresencePeer::ask() {
    if (patience_ > 0) return false;
    patience_ = 2;
    return true;
}

bool PresencePeer::says(std::uint64_t number) {
    if (patience_ > 0) --patience_;
    return number > number_ && ask();
}

bool PresencePeer::take(std::uint64_t number, PresenceDiff diff, Changes& out) {
    if (number <= number_) return false;
    if (waiting_.size() >= max_waiting) waiting_.clear();
    waiting_.insert_or_assign(number, std::move(diff));
    catch_up(out);
    return !waiting_.empty() && ask();
}

/// Applies what waits, up to the first change that is missing.
void PresencePeer::catch_up(Changes& out) {
    for (auto next = waiting_.begin(); next != waiting_.end() && next->first <= number_ + 1;
         next = waiting_.erase(next)) {
        if (next->first <= number_) continue;
        number_ = next->first;
        apply(next->second, out);
    }
}

void PresencePeer::apply(const PresenceDiff& diff, Changes& out) {
    PresenceChange change{node_, diff.topic, {}, {}};
    auto& here = entries_[diff.topic];
    for (const auto& ref : diff.leaves) {
        const auto found = here.find(ref);
        if (found == here.end()) continue;
        change.leaves.push_back(found->second);
        here.erase(found);
    }
    for (const auto& entry : diff.joins)
        if (here.emplace(entry->ref, entry).second) change.joins.push_back(entry);
    if (here.empty()) entries_.erase(diff.topic);
    if (!change.joins.empty() || !change.leaves.empty()) out.push_back(std::move(change));
}

bool PresencePeer::take_part(std::uint64_t number, std::uint64_t part, bool last,
                             PresenceTable entries, Changes& out) {
    if (number < number_) return false;
    if (part == 0) {
        arriving_.clear();
        parts_ = 0;
        arriving_number_ = number;
    }
    if (part != parts_ || number != arriving_number_) return false; // the next beat asks again
    ++parts_;
    for (auto& [topic, more] : entries) arriving_[topic].merge(more);
    if (!last) return false;
    parts_ = 0;
    patience_ = 0;
    number_ = number;
    replace(std::exchange(arriving_, {}), out);
    catch_up(out);
    return !waiting_.empty() && ask();
}

/// The entries of a topic that another table does not have.
PresenceEntries missing_from(const PresenceTable& table, const std::string& topic,
                             const StringMap<PresenceEntryPtr>& entries) {
    PresenceEntries found;
    const auto there = table.find(topic);
    for (const auto& [ref, entry] : entries)
        if (there == table.end() || !there->second.contains(ref)) found.push_back(entry);
    return found;
}

/// Tells the difference between what was known and what is so, in one change for each topic.
void PresencePeer::replace(PresenceTable entries, Changes& out) {
    const auto before = std::exchange(entries_, std::move(entries));
    StringMap<PresenceChange> changes;
    for (const auto& [topic, known] : before)
        changes[topic].leaves = missing_from(entries_, topic, known);
    for (const auto& [topic, now] : entries_)
        changes[topic].joins = missing_from(before, topic, now);
    for (auto& [topic, change] : changes) {
        if (change.joins.empty() && change.leaves.empty()) continue;
        change.node = node_;
        change.topic = topic;
        out.push_back(std::move(change));
    }
}

void PresencePeer::drop(Changes& out) { replace({}, out); }

} // namespace chain::detail
