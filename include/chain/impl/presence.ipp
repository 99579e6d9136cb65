// Definitions of <chain/presence.hpp>.
#pragma once

#include <chain/detail/presence_core.hpp>
#include <chain/presence.hpp>

#include <utility>

namespace chain {

Presence::Presence(const Handler& handler, PresenceConfig config)
    : core_(detail::PresenceCore::make(handler, std::move(config))) {}

result<std::string> Presence::track(const PresenceOwner& owner, std::string_view key, Json meta) {
    return core_->track(owner, key, std::move(meta));
}

result<std::string> Presence::update(const PresenceOwner& owner, std::string_view key, Json meta) {
    return core_->update(owner, key, [&](const Json&) { return meta; });
}

result<std::string> Presence::update_with(const PresenceOwner& owner, std::string_view key,
                                          const std::function<Json(const Json&)>& change) {
    return core_->update(owner, key, change);
}

void Presence::untrack(const PresenceOwner& owner, std::string_view key) {
    core_->untrack(owner, key);
}

void Presence::untrack(const PresenceOwner& owner) { core_->untrack(owner); }

Json Presence::list(std::string_view topic) const { return core_->list(topic); }

Json Presence::get_by_key(std::string_view topic, std::string_view key) const {
    return core_->find(topic, key);
}

PresenceCounts Presence::count(std::string_view topic) const { return core_->count(topic); }

error_code Presence::push_state(const Socket& socket) const { return core_->push_state(socket); }

} // namespace chain
