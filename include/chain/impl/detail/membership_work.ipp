// Definitions of <chain/detail/membership_work.hpp>.
#pragma once

#include <chain/detail/membership.hpp>
#include <chain/detail/membership_work.hpp>

namespace chain::detail {

StoredMessage::StoredMessage(const Message& message)
    : kind(message.kind), binary(message.binary), join_ref(message.join_ref), ref(message.ref),
      topic(message.topic), event(message.event), payload(message.payload) {}

Message StoredMessage::view() const {
    Message message;
    message.kind = kind;
    message.binary = binary;
    message.join_ref = join_ref;
    message.ref = ref;
    message.topic = topic;
    message.event = event;
    message.payload = payload;
    return message;
}

std::size_t StoredMessage::size() const noexcept {
    return join_ref.size() + ref.size() + topic.size() + event.size() + payload.size();
}

MembershipWork::MembershipWork(Membership& membership)
    : patience([](TimerNode& timer) { static_cast<Patience&>(timer).membership->give_up(); }) {
    patience.membership = &membership;
}

} // namespace chain::detail
