// Definitions of <chain/channel.hpp>.
#pragma once

#include <chain/channel.hpp>
#include <chain/detail/channel_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/pubsub_core.hpp>

#include <stdexcept>
#include <utility>

namespace chain {

namespace detail {

/// @throws std::logic_error when the channel was added to a handler.
void require_open(const ChannelCore& channel) {
    if (channel.frozen)
        throw std::logic_error("chain: channel \"" + channel.pattern.text() +
                               "\" was added to a handler; register before that");
}

/// @throws std::invalid_argument when `pattern` matches topics that the channel never sees.
TopicPattern inner_pattern(const ChannelCore& channel, std::string pattern) {
    TopicPattern inner(std::move(pattern));
    if (!channel.pattern.covers(inner))
        throw std::invalid_argument("chain: \"" + inner.text() + "\" is outside of channel \"" +
                                    channel.pattern.text() + "\"");
    return inner;
}

/// @throws std::invalid_argument when `event` is reserved.
TopicPattern event_pattern(std::string event) {
    TopicPattern pattern(std::move(event));
    if (pattern.text().front() == '_')
        throw std::invalid_argument("chain: event \"" + pattern.text() +
                                    "\" begins with _, which the protocol reserves");
    return pattern;
}

std::vector<std::shared_ptr<PubSubCore>> pubsubs_of(ChannelCore& channel) {
    std::vector<std::shared_ptr<PubSubCore>> living;
    const std::lock_guard lock(channel.mutex);
    for (const auto& weak : channel.pubsubs)
        if (auto pubsub = weak.lock()) living.push_back(std::move(pubsub));
    return living;
}

} // namespace detail

Channel::Channel(std::string topic_pattern)
    : core_(std::make_shared<detail::ChannelCore>(std::move(topic_pattern))) {}

const std::string& Channel::topic_pattern() const noexcept { return core_->pattern.text(); }

Channel& Channel::add_join(std::string pattern, std::shared_ptr<detail::Callback> callback) {
    detail::require_open(*core_);
    core_->join.insert(detail::inner_pattern(*core_, std::move(pattern)), std::move(callback));
    return *this;
}

Channel& Channel::add_in(std::string event, std::shared_ptr<detail::Callback> callback) {
    detail::require_open(*core_);
    core_->in.insert(detail::event_pattern(std::move(event)), std::move(callback));
    return *this;
}

Channel& Channel::add_out(std::string event, std::shared_ptr<detail::OutCallback> callback) {
    detail::require_open(*core_);
    core_->out.insert(detail::event_pattern(std::move(event)), std::move(callback));
    return *this;
}

Channel& Channel::add_leave(std::string pattern, std::shared_ptr<detail::Callback> callback) {
    detail::require_open(*core_);
    core_->leave.insert(detail::inner_pattern(*core_, std::move(pattern)), std::move(callback));
    return *this;
}

Channel& Channel::limit(std::string event, const Rate& rate) {
    detail::require_open(*core_);
    core_->rates.insert(detail::event_pattern(std::move(event)), rate);
    return *this;
}

Channel& Channel::when_slow(std::string event, SlowPolicy policy) {
    detail::require_open(*core_);
    core_->slow.insert(detail::event_pattern(std::move(event)), std::move(policy));
    return *this;
}

Channel& Channel::subscribe(std::string topic_pattern, std::string event) {
    detail::require_open(*core_);
    TopicPattern topics(std::move(topic_pattern));
    if (!valid_event(event))
        throw std::invalid_argument("chain: \"" + event + "\" is not an event name");
    core_->feeds.push_back({std::move(topics), std::move(event)});
    return *this;
}

error_code Channel::broadcast(std::string_view topic, std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? send(topic, event, *written, true) : written.error();
}

error_code Channel::local_broadcast(std::string_view topic, std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? send(topic, event, *written, false) : written.error();
}

error_code Channel::send(std::string_view topic, std::string_view event, const Payload& payload,
                         bool everywhere) {
    if (!core_->frozen) return make_error_code(Errc::not_configured);
    if (!core_->pattern.matches(topic)) return make_error_code(Errc::unmatched_topic);
    Message message;
    message.kind = MessageKind::broadcast;
    message.topic = topic;
    message.event = event;
    message.payload = payload.raw();
    message.binary = payload.is_binary();
    error_code failed;
    for (const auto& pubsub : detail::pubsubs_of(*core_)) {
        const auto result =
            pubsub->broadcast(message, {detail::Lane::current(), nullptr, nullptr}, everywhere);
        if (result) failed = result;
    }
    return failed;
}

} // namespace chain
