// Definitions of <chain/detail/presence_pending.hpp>.
#pragma once

#include <chain/detail/presence_pending.hpp>

namespace chain::detail {

void PresencePending::add(const PresenceChange& change) {
    for (const auto& entry : change.leaves) {
        const auto joined = index_.find(entry->ref);
        if (joined == index_.end() || joined->second < shown_) {
            leaves_.push_back(entry);
        } else {
            joins_[joined->second].reset();
            index_.erase(joined);
        }
    }
    for (const auto& entry : change.joins) {
        index_.emplace(entry->ref, joins_.size());
        joins_.push_back(entry);
    }
}

PresenceEntries PresencePending::joins() const {
    PresenceEntries left;
    for (const auto& entry : joins_)
        if (entry) left.push_back(entry);
    return left;
}

} // namespace chain::detail
