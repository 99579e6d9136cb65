// Definitions of <chain/detail/broadcast.hpp>.
#pragma once

#include <chain/detail/broadcast.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/ws_deflate.hpp>

#include <utility>

namespace chain::detail {

Broadcast::Broadcast(const Message& message, Ref<Membership> except,
                     std::span<const Serializer* const> serializers, const Compression* compression)
    : topic_(message.topic), event_(message.event), payload_(message.payload),
      except_(std::move(except)), deflates_(compression != nullptr) {
    message_.kind = MessageKind::broadcast;
    message_.binary = message.binary;
    message_.topic = topic_;
    message_.event = event_;
    message_.payload = payload_;
    encoded_.reserve(serializers.size());
    for (const auto* serializer : serializers) {
        auto& entry = encoded_.emplace_back(Encoded{serializer, {}, false, {}});
        entry.binary = serializer->encode(message_, entry.text);
        if (compression) entry.deflated = deflate_message(entry.text, *compression);
    }
}

Broadcast::~Broadcast() = default;

std::optional<FrameText> Broadcast::encoded(const Serializer& serializer,
                                            Framing framing) const noexcept {
    const bool deflates = framing == Framing::websocket_deflate;
    if (deflates && !deflates_) return std::nullopt;
    for (const auto& entry : encoded_) {
        if (entry.serializer != &serializer) continue;
        if (deflates && entry.deflated) return FrameText{*entry.deflated, entry.binary, true};
        return FrameText{entry.text, entry.binary};
    }
    return std::nullopt;
}

} // namespace chain::detail
