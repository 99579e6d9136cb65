// Definitions of <chain/detail/forward_end.hpp>.
#pragma once

#include <chain/detail/forward_end.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace chain::detail {

ForwardEnd::ForwardEnd(std::shared_ptr<ClusterService> cluster, const ForwardKey& key, bool served,
                       std::size_t room)
    : cluster_(std::move(cluster)), key_(key), served_(served), limit_(room), room_(room),
      received_(served ? 1 : 0) {}

bool ForwardEnd::send(ForwardFrame::Kind kind, std::string_view body) {
    const auto bytes = write_forward_frame({kind, served_, key_.id, sent_++, body});
    return !cluster_->send(key_.node, kind_name, bytes);
}

bool ForwardEnd::send_some(std::string_view& bytes) {
    const auto size = std::min(bytes.size(), room_);
    if (size == 0) return true;
    room_ -= size;
    const auto some = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return send(ForwardFrame::Kind::bytes, some);
}

ForwardEnd::Order ForwardEnd::order(const ForwardFrame& frame) noexcept {
    const auto ahead = static_cast<std::int32_t>(frame.number - received_);
    if (ahead != 0) return ahead < 0 ? Order::again : Order::gap;
    ++received_;
    silent_ = 0;
    return Order::next;
}

bool ForwardEnd::more_room(std::string_view body) noexcept {
    const auto more = number_from(body);
    if (!more || *more > limit_ - room_) return false;
    room_ += *more;
    return true;
}

bool ForwardEnd::came(std::size_t bytes) noexcept {
    on_its_way_ += bytes;
    return on_its_way_ <= limit_;
}

/// The other end is told in large steps.
bool ForwardEnd::passed_on(std::size_t bytes) {
    passed_on_ += bytes;
    if (passed_on_ < limit_ / 4) return true;
    on_its_way_ -= passed_on_;
    return send(ForwardFrame::Kind::room, std::to_string(std::exchange(passed_on_, 0)));
}

bool ForwardEnd::tick() { return ++silent_ <= patience && send(ForwardFrame::Kind::alive); }

} // namespace chain::detail
