// Definitions of <chain/detail/session_table.hpp>.
#pragma once

#include <chain/detail/session_core.hpp>
#include <chain/detail/session_table.hpp>

#include <cstring>
#include <utility>

namespace chain::detail {

/// Ids are random, so that any of their bits will do.
std::size_t SessionTable::home(const RandomId& id) const noexcept {
    std::size_t bits = 0;
    std::memcpy(&bits, id.data(), sizeof bits);
    return bits & (slots_.size() - 1);
}

void SessionTable::insert(SessionCore& session) noexcept {
    auto at = home(session.id());
    while (slots_[at]) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = &session;
}

void SessionTable::resize(std::size_t capacity) {
    const auto old = std::exchange(slots_, std::vector<SessionCore*>(capacity));
    for (auto* session : old)
        if (session) insert(*session);
}

void SessionTable::add(SessionCore& session) {
    const std::lock_guard lock(mutex_);
    if ((size_ + 1) * 4 > slots_.size() * 3) resize(slots_.empty() ? 16 : slots_.size() * 2);
    insert(session);
    ++size_;
}

bool SessionTable::remove(SessionCore& session) noexcept {
    const std::lock_guard lock(mutex_);
    if (slots_.empty()) return false;
    const auto mask = slots_.size() - 1;
    auto hole = home(session.id());
    while (slots_[hole] && slots_[hole] != &session) hole = (hole + 1) & mask;
    if (!slots_[hole]) return false;
    --size_;
    // Close the hole, so that searches never end too early.
    for (auto at = (hole + 1) & mask; slots_[at]; at = (at + 1) & mask) {
        const auto wanted = home(slots_[at]->id());
        if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
        slots_[hole] = slots_[at];
        hole = at;
    }
    slots_[hole] = nullptr;
    return true;
}

Ref<SessionCore> SessionTable::find(const RandomId& id) const {
    const std::lock_guard lock(mutex_);
    if (slots_.empty()) return nullptr;
    for (auto at = home(id); slots_[at]; at = (at + 1) & (slots_.size() - 1))
        if (slots_[at]->id() == id) return Ref<SessionCore>(slots_[at]);
    return nullptr;
}

std::size_t SessionTable::size() const noexcept {
    const std::lock_guard lock(mutex_);
    return size_;
}

} // namespace chain::detail
