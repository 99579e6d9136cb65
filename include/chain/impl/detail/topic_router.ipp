// Definitions of <chain/detail/topic_router.hpp>.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/topic_router.hpp>

#include <algorithm>

namespace chain::detail {

Route::~Route() = default;

Ref<Lane> Route::lane_here() {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(lanes_, [](const auto& lane) { return lane->here(); });
    return found == lanes_.end() ? nullptr : *found;
}

std::shared_ptr<Route> TopicRouter::add(std::string_view topic,
                                        const std::shared_ptr<ChannelCore>& channel, Lane& lane) {
    std::shared_ptr<Route> route;
    bool first = false;
    {
        auto& shard = this->shard(topic);
        const std::lock_guard shard_lock(shard.mutex);
        auto& slot = shard.routes.try_emplace(std::string(topic)).first->second;
        if (!slot) slot = std::make_shared<Route>(std::string(topic), channel);
        route = slot;
        const std::lock_guard route_lock(route->mutex_);
        first = route->lanes_.empty();
        route->lanes_.emplace_back(&lane);
        route->sole_ = route->lanes_.size() == 1 ? &lane : nullptr;
    }
    if (first) changed_(route->topic_, true);
    return route;
}

void TopicRouter::remove(const std::shared_ptr<Route>& route, Lane& lane) {
    bool last = false;
    {
        auto& shard = this->shard(route->topic_);
        const std::lock_guard shard_lock(shard.mutex);
        const std::lock_guard route_lock(route->mutex_);
        std::erase(route->lanes_, &lane);
        route->sole_ = route->lanes_.size() == 1 ? route->lanes_.front().get() : nullptr;
        last = route->lanes_.empty();
        if (last) shard.routes.erase(route->topic_);
    }
    if (last) changed_(route->topic_, false);
}

std::shared_ptr<Route> TopicRouter::find(std::string_view topic) const {
    const auto& shard = this->shard(topic);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.routes.find(topic);
    return found == shard.routes.end() ? nullptr : found->second;
}

} // namespace chain::detail
