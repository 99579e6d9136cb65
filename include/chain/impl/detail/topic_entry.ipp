// Definitions of <chain/detail/topic_entry.hpp>.
#pragma once

#include <chain/detail/topic_entry.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

TopicEntry::TopicEntry(std::string name, std::shared_ptr<ChannelCore> channel,
                       std::shared_ptr<Route> route)
    : name_(std::move(name)), channel_(std::move(channel)), route_(std::move(route)) {}

TopicEntry::~TopicEntry() = default;

Group& TopicEntry::group(const Serializer& serializer, Framing framing) {
    for (auto& group : groups_)
        if (&group->serializer == &serializer && group->framing == framing) return *group;
    groups_.push_back(
        std::unique_ptr<Group>(new Group{*this, serializer, framing, {}, nullptr, {}}));
    return *groups_.back();
}

bool TopicEntry::unused() const noexcept {
    const auto empty = [](const auto& group) { return group->members.empty() && !group->open; };
    return joining_.empty() && std::ranges::all_of(groups_, empty);
}

} // namespace chain::detail
