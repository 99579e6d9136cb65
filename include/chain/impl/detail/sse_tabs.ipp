// Definitions of <chain/detail/sse_tabs.hpp>.
#pragma once

#include <chain/detail/sse_tabs.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

std::string SseTabs::key(const RandomId& tab, std::string_view sid) {
    return to_hex(tab) + '/' + std::string(sid);
}

std::optional<RandomId> SseTabs::node_of(std::string_view cookie) noexcept {
    const auto ids = random_ids_from_hex(cookie);
    return ids ? std::optional(ids->front()) : std::nullopt;
}

Ref<SessionCore> SseTabs::find(std::string_view cookie, std::string_view sid,
                               const SessionTable& living) {
    const auto ids = random_ids_from_hex(cookie);
    if (!ids) return nullptr;
    const auto& [node, tab, secret] = *ids;
    const std::lock_guard lock(mutex_);
    const auto found = tabs_.find(key(tab, sid));
    if (found == tabs_.end() || !same_secret(found->second.secret, secret)) return nullptr;
    auto session = living.find(found->second.session);
    return session && !session->closed() ? session : nullptr;
}

std::string SseTabs::add(const RandomId& node, std::string_view sid, const SessionCore& session,
                         const SessionTable& living) {
    const auto tab = make_random_id(), secret = make_random_id();
    const std::lock_guard lock(mutex_);
    if (tabs_.size() >= sweep_at_) sweep(living);
    tabs_.insert_or_assign(key(tab, sid), Tab{secret, session.id()});
    return to_hex(node) + to_hex(tab) + to_hex(secret);
}

/// Forgets the tabs whose sessions have ended.
void SseTabs::sweep(const SessionTable& living) {
    std::erase_if(tabs_, [&](const auto& item) { return !living.find(item.second.session); });
    sweep_at_ = std::max<std::size_t>(64, 2 * tabs_.size());
}

} // namespace chain::detail
