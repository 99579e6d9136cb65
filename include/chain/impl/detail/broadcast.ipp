// Definitions of <chain/detail/broadcast.hpp>.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/membership.hpp>

#include <utility>

namespace chain::detail {

Broadcast::Broadcast(const Message& message, Ref<Membership> except,
                     std::span<const Serializer* const> serializers)
    : topic_(message.topic), event_(message.event), payload_(message.payload),
      except_(std::move(except)) {
    message_.kind = MessageKind::broadcast;
    message_.binary = message.binary;
    message_.topic = topic_;
    message_.event = event_;
    message_.payload = payload_;
    encoded_.reserve(serializers.size());
    for (const auto* serializer : serializers) {
        auto& entry = encoded_.emplace_back(Encoded{serializer, {}, false});
        entry.binary = serializer->encode(message_, entry.text);
    }
}

Broadcast::~Broadcast() = default;

const Broadcast::Encoded* Broadcast::encoded(const Serializer& serializer) const noexcept {
    for (const auto& entry : encoded_)
        if (entry.serializer == &serializer) return &entry;
    return nullptr;
}

} // namespace chain::detail
