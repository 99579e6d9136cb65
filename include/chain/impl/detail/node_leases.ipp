// Definitions of <chain/detail/node_leases.hpp>.
#pragma once

#include <chain/detail/node_leases.hpp>

#include <algorithm>

namespace chain::detail {

std::chrono::milliseconds NodeLeases::beat() const noexcept {
    using std::chrono::milliseconds;
    return std::clamp(lease_ / 10, milliseconds(50), milliseconds(1000));
}

bool NodeLeases::heard(const RandomId& node, Time now) {
    if (heard_.size() >= max_nodes && !heard_.contains(node)) return false;
    heard_[node] = now;
    return true;
}

void NodeLeases::came_through(Time now) noexcept {
    if (interrupted(now)) since_ = now;
    shown_ = now;
}

std::vector<RandomId> NodeLeases::expired(Time now) {
    std::vector<RandomId> over;
    if (interrupted(now)) return over;
    for (const auto& [node, last] : heard_)
        if (now - std::max(last, since_) >= lease_) over.push_back(node);
    for (const auto& node : over) heard_.erase(node);
    return over;
}

bool NodeLeases::silent(const RandomId& node, std::chrono::milliseconds time, Time now) const {
    const auto found = heard_.find(node);
    const auto last = found == heard_.end() ? since_ : std::max(found->second, since_);
    return !interrupted(now) && now - last >= std::max(time, 3 * beat());
}

std::vector<RandomId> NodeLeases::nodes() const {
    std::vector<RandomId> all;
    for (const auto& [node, last] : heard_) all.push_back(node);
    return all;
}

} // namespace chain::detail
