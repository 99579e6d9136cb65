// Definitions of <chain/detail/membership_index.hpp>.
#pragma once

#include <chain/detail/membership.hpp>
#include <chain/detail/membership_index.hpp>
#include <chain/detail/pattern_map.hpp>

#include <algorithm>

namespace chain::detail {

std::uint32_t index_hash(std::string_view topic) noexcept {
    return static_cast<std::uint32_t>(StringHash{}(topic));
}

/// The place of the first with this hash or a greater one. Hashes are spread evenly: it is near its
/// share of the way.
std::size_t MembershipIndex::first(std::uint32_t hash) const noexcept {
    auto at = static_cast<std::size_t>((std::uint64_t{hash} * slots_.size()) >> 32U);
    while (at > 0 && slots_[at - 1].hash >= hash) --at;
    while (at < slots_.size() && slots_[at].hash < hash) ++at;
    return at;
}

void MembershipIndex::add(Membership& membership) {
    const auto hash = index_hash(membership.topic());
    slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(first(hash)), {hash, &membership});
}

void MembershipIndex::remove(const Membership& membership) noexcept {
    for (auto at = first(index_hash(membership.topic())); at < slots_.size(); ++at) {
        if (slots_[at].membership != &membership) continue;
        slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(at));
        return;
    }
}

Membership* MembershipIndex::find(std::string_view topic) const noexcept {
    const auto hash = index_hash(topic);
    for (auto at = first(hash); at < slots_.size() && slots_[at].hash == hash; ++at)
        if (slots_[at].membership->topic() == topic) return slots_[at].membership;
    return nullptr;
}

} // namespace chain::detail
