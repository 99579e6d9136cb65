// Definitions of <chain/presence_store.hpp>.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/presence_store.hpp>

#include <array>
#include <mutex>
#include <utility>

namespace chain {

struct MemoryPresenceStore::Tables {
    struct Topic {
        detail::StringMap<PresenceEntries> keys;
        std::size_t metas = 0;
    };
    struct Shard {
        std::mutex mutex;
        detail::StringMap<Topic> topics;
    };

    /// Calls `f` with the topic, if there is anybody in it, under its lock.
    template <class F>
    void visit(std::string_view name, F f) {
        auto& shard = this->shard(name);
        const std::lock_guard lock(shard.mutex);
        const auto found = shard.topics.find(name);
        if (found != shard.topics.end()) f(found->second);
    }
    Shard& shard(std::string_view topic) noexcept {
        return shards[detail::StringHash{}(topic) % shards.size()];
    }

    std::array<Shard, 64> shards;
};

MemoryPresenceStore::MemoryPresenceStore() : tables_(std::make_unique<Tables>()) {}

MemoryPresenceStore::~MemoryPresenceStore() = default;

void MemoryPresenceStore::apply(const PresenceChange& change) {
    auto& shard = tables_->shard(change.topic);
    const std::lock_guard lock(shard.mutex);
    auto& topic = shard.topics[change.topic];
    for (const auto& entry : change.leaves) {
        const auto found = topic.keys.find(entry->key);
        if (found == topic.keys.end()) continue;
        auto& metas = found->second;
        topic.metas -= std::erase_if(metas, [&](const auto& e) { return e->ref == entry->ref; });
        if (metas.empty()) topic.keys.erase(found);
    }
    for (const auto& entry : change.joins) topic.keys[entry->key].push_back(entry);
    topic.metas += change.joins.size();
    if (topic.keys.empty()) shard.topics.erase(change.topic);
}

PresenceEntries MemoryPresenceStore::list(std::string_view topic) const {
    PresenceEntries all;
    tables_->visit(topic, [&](const Tables::Topic& found) {
        all.reserve(found.metas);
        for (const auto& [key, metas] : found.keys)
            all.insert(all.end(), metas.begin(), metas.end());
    });
    return all;
}

PresenceEntries MemoryPresenceStore::find(std::string_view topic, std::string_view key) const {
    PresenceEntries all;
    tables_->visit(topic, [&](const Tables::Topic& found) {
        const auto metas = found.keys.find(key);
        if (metas != found.keys.end()) all = metas->second;
    });
    return all;
}

void MemoryPresenceStore::each(
    const std::function<void(const std::string& topic, const PresenceEntryPtr&)>& f) const {
    for (auto& shard : tables_->shards) {
        const std::lock_guard lock(shard.mutex);
        for (const auto& [name, topic] : shard.topics)
            for (const auto& [key, metas] : topic.keys)
                for (const auto& entry : metas) f(name, entry);
    }
}

PresenceCounts MemoryPresenceStore::count(std::string_view topic) const {
    PresenceCounts counts;
    tables_->visit(topic, [&](const Tables::Topic& found) {
        counts = {found.keys.size(), found.metas};
    });
    return counts;
}

} // namespace chain
