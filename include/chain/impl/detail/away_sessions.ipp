// Definitions of <chain/detail/away_sessions.hpp>.
#pragma once

#include <chain/detail/away_sessions.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

std::pair<std::uint64_t, std::optional<RandomId>> AwaySessions::add(const RandomId& session,
                                                                    std::size_t limit) {
    const std::lock_guard lock(mutex_);
    const auto place = next_++;
    away_.emplace_hint(away_.end(), place, session);
    if (away_.size() <= limit) return {place, std::nullopt};
    const auto oldest = away_.begin()->second;
    away_.erase(away_.begin());
    return {place, oldest};
}

void AwaySessions::remove(std::uint64_t place) noexcept {
    const std::lock_guard lock(mutex_);
    away_.erase(place);
}

std::size_t AwaySessions::size() const noexcept {
    const std::lock_guard lock(mutex_);
    return away_.size();
}

void AwaySessions::refuse(const RandomId& session) {
    const std::lock_guard lock(mutex_);
    if (refused_.size() == refused_limit) refused_.pop_front();
    refused_.push_back(session);
}

bool AwaySessions::refused(const RandomId& session) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(refused_, session) != refused_.end();
}

} // namespace chain::detail
