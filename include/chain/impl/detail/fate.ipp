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

SharedFate fate_of(const PatternMap<SlowPolicy>& policies, const Message& message) {
    if (policies.empty()) return nullptr;
    // Without one of them a client's list of who is present would stay wrong.
    if (message.event == "presence_state" || message.event == "presence_diff") return nullptr;
    const auto* policy = policies.match(message.event);
    if (!policy || policy->kind == SlowPolicy::Kind::close) return nullptr;
    Fate fate{policy->kind, std::string(message.topic), {}};
    if (policy->kind == SlowPolicy::Kind::conflate) {
        fate.key.append(message.topic).append("\n").append(message.event).append("\n");
        fate.key += member_text(message, policy->member);
    }
    return std::make_shared<const Fate>(std::move(fate));
}

} // namespace chain::detail
