// Definitions of <chain/detail/sse_tabs.hpp>.
#pragma once

#include <chain/detail/sse_tabs.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

std::string SseTabs::key(std::string_view secret, std::string_view sid) {
    return std::string(secret) + '/' + std::string(sid);
}

Ref<SessionCore> SseTabs::find(std::string_view secret, std::string_view sid) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(key(secret, sid));
    if (found == sessions_.end() || found->second->closed()) return nullptr;
    return found->second;
}

void SseTabs::add(std::string_view secret, std::string_view sid, Ref<SessionCore> session) {
    const std::lock_guard lock(mutex_);
    if (sessions_.size() >= sweep_at_) sweep();
    sessions_.insert_or_assign(key(secret, sid), std::move(session));
}

void SseTabs::sweep() {
    std::erase_if(sessions_, [](const auto& item) { return item.second->closed(); });
    sweep_at_ = std::max<std::size_t>(64, 2 * sessions_.size());
}

} // namespace chain::detail
