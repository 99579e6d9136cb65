// Definitions of <chain/pubsub.hpp>.
#pragma once

#include <chain/detail/pubsub_core.hpp>
#include <chain/pubsub.hpp>

#include <utility>

namespace chain {

error_code PubSub::publish(std::string_view topic, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? publish_payload(topic, *written) : written.error();
}

error_code PubSub::publish_payload(std::string_view topic, const Payload& payload) {
    return core_->publish(topic, payload, true);
}

error_code PubSub::broadcast(std::string_view topic, std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? broadcast_payload(topic, event, *written, true) : written.error();
}

error_code PubSub::local_broadcast(std::string_view topic, std::string_view event, Json payload) {
    const auto written = Payload::from_json(payload);
    return written ? broadcast_payload(topic, event, *written, false) : written.error();
}

error_code PubSub::broadcast_payload(std::string_view topic, std::string_view event,
                                     const Payload& payload, bool everywhere) {
    Message message;
    message.kind = MessageKind::broadcast;
    message.topic = topic;
    message.event = event;
    message.payload = payload.raw();
    message.binary = payload.is_binary();
    return core_->broadcast(message, {detail::Lane::current(), nullptr, nullptr}, everywhere);
}

Subscription PubSub::subscribe(std::string pattern, PubSubCallback callback) {
    return Subscription(core_->subscribe(std::move(pattern), std::move(callback)));
}

void PubSub::attach(std::string pattern, std::shared_ptr<Adapter> adapter) {
    core_->attach(std::move(pattern), std::move(adapter));
}

bool PubSub::ready() const { return core_->ready(); }

} // namespace chain
