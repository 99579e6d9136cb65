// Definitions of <chain/detail/fate.hpp>.
#pragma once

#include <chain/detail/fate.hpp>
#include <chain/json.hpp>

#include <string_view>
#include <utility>

namespace chain::detail {

/// Its text, or nothing: where the payload has none, all those without it are conflated.
std::string member_text(const Message& message, const std::string& member) {
    if (member.empty() || message.binary) return {};
    const auto payload = Json::parse(message.payload, nullptr, false);
    if (!payload.is_object()) return {};
    const auto found = payload.find(member);
    return found == payload.end() ? std::string() : found->dump();
}

void LastingEvents::add(const std::string& event) {
    if (contains(event)) return;
    const std::lock_guard lock(mutex_);
    events_.insert(event);
    any_.store(true, std::memory_order_release);
}

bool LastingEvents::contains(std::string_view event) const {
    if (event == "presence_state" || event == "presence_diff") return true;
    if (!any_.load(std::memory_order_acquire)) return false;
    const std::lock_guard lock(mutex_);
    return events_.contains(event);
}

SharedFate fate_of(const PatternMap<SlowPolicy>& policies, const LastingEvents& lasting,
                   const Message& message) {
    const auto* policy = policies.match(message.event);
    if (!policy || policy->kind == SlowPolicy::Kind::close || lasting.contains(message.event))
        return nullptr;
    Fate fate{policy->kind, std::string(message.topic), {}};
    if (policy->kind == SlowPolicy::Kind::conflate) {
        fate.key.append(message.topic).append("\n").append(message.event).append("\n");
        fate.key += member_text(message, policy->member);
    }
    return std::make_shared<const Fate>(std::move(fate));
}

} // namespace chain::detail
