// Definitions of <chain/detail/redis_subscriber.hpp>.
#pragma once

#include <chain/detail/redis_core.hpp>
#include <chain/detail/redis_subscriber.hpp>

#include <algorithm>

namespace chain::detail {

/// `prefix` as a pattern of Redis' for every name that begins with it.
std::string redis_glob(std::string_view prefix) {
    std::string out;
    for (const char c : prefix) {
        if (std::string_view("*?[]\\").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out + '*';
}

/// What `redis_glob` was made of.
std::string redis_glob_prefix(std::string_view pattern) {
    std::string out;
    for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
        if (pattern[i] == '\\') ++i;
        out += pattern[i];
    }
    return out;
}

void RedisSubscriber::tell(std::string_view command, std::string_view pattern_command,
                           const std::string& topic) {
    const auto name = config().prefix + topic;
    if (!name.ends_with('*'))
        send({command, name});
    else
        send({pattern_command, redis_glob(std::string_view(name).substr(0, name.size() - 1))});
}

void RedisSubscriber::want(const std::string& topic) {
    wanted_.insert(topic);
    if (!connected()) return;
    tell("SUBSCRIBE", "PSUBSCRIBE", topic);
    flush();
}

void RedisSubscriber::drop(const std::string& topic) {
    wanted_.erase(topic);
    if (!connected()) return;
    tell("UNSUBSCRIBE", "PUNSUBSCRIBE", topic);
    flush();
}

void RedisSubscriber::on_up() {
    for (const auto& topic : wanted_) tell("SUBSCRIBE", "PSUBSCRIBE", topic);
}

void RedisSubscriber::on_down() {
    channels_.clear();
    patterns_.clear();
}

void RedisSubscriber::on_quiet() { send({"PING"}); }

void RedisSubscriber::on_reply(const redisReply& reply) {
    if (is_error(reply)) return fail(Errc::broker_refused, text_of(reply));
    const auto parts = items_of(reply);
    if (parts.size() < 2) return; // an answer to PING
    const auto kind = text_of(*parts[0]);
    const auto name = text_of(*parts[1]);
    if (kind == "message" && parts.size() == 3)
        came_by_channel(name, text_of(*parts[2]));
    else if (kind == "pmessage" && parts.size() == 4)
        came_by_pattern(name, text_of(*parts[2]), text_of(*parts[3]));
    else
        confirmed(kind, name);
}

void RedisSubscriber::confirmed(std::string_view kind, std::string_view name) {
    if (kind == "subscribe")
        channels_.emplace(name);
    else if (kind == "unsubscribe")
        channels_.erase(std::string(name));
    else if (kind == "psubscribe")
        patterns_.emplace(name, redis_glob_prefix(name));
    else if (kind == "punsubscribe")
        patterns_.erase(std::string(name));
}

void RedisSubscriber::came_by_channel(std::string_view channel, std::string_view frame) {
    if (!channel.starts_with(config().prefix)) return;
    core().receive(channel.substr(config().prefix.size()), frame);
}

void RedisSubscriber::came_by_pattern(std::string_view pattern, std::string_view channel,
                                      std::string_view frame) {
    if (channels_.contains(channel)) return; // it comes by its channel, too
    const auto first = std::ranges::find_if(
        patterns_, [&](const auto& item) { return channel.starts_with(item.second); });
    if (first == patterns_.end() || first->first == pattern) came_by_channel(channel, frame);
}

} // namespace chain::detail
