// Definitions of <chain/detail/sse_tabs.hpp>.
#pragma once

#include <chain/detail/sse_tabs.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

std::string SseTabs::key(std::string_view secret, std::string_view sid) {
    return std::string(secret) + '/' + std::string(sid);
}

Ref<SessionCore> SseTabs::find(std::string_view secret, std::string_view sid,
                               const SessionTable& living) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(key(secret, sid));
    if (found == sessions_.end()) return nullptr;
    auto session = living.find(found->second);
    return session && !session->closed() ? session : nullptr;
}

void SseTabs::add(std::string_view secret, std::string_view sid, const SessionCore& session,
                  const SessionTable& living) {
    const std::lock_guard lock(mutex_);
    if (sessions_.size() >= sweep_at_) sweep(living);
    sessions_.insert_or_assign(key(secret, sid), session.id());
}

/// Forgets the tabs whose sessions have ended.
void SseTabs::sweep(const SessionTable& living) {
    std::erase_if(sessions_, [&](const auto& item) { return !living.find(item.second); });
    sweep_at_ = std::max<std::size_t>(64, 2 * sessions_.size());
}

} // namespace chain::detail
