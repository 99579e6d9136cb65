// Definitions of <chain/detail/cluster_service.hpp>.
#pragma once

#include <chain/detail/cluster_service.hpp>
#include <chain/detail/pubsub_core.hpp>
#include <chain/topic.hpp>

#include <utility>

namespace chain::detail {

ClusterService::ClusterService(std::shared_ptr<PubSubCore> pubsub) : pubsub_(std::move(pubsub)) {}

ClusterService::~ClusterService() = default;

void ClusterService::listen() {
    pubsub_->on_node_message([weak = weak_from_this()](const ClusterFrame& frame) {
        const auto self = weak.lock();
        return !self || self->came(frame.node, frame.event, frame.payload);
    });
}

const RandomId& ClusterService::node_id() const noexcept { return pubsub_->node(); }

bool ClusterService::linked() const { return pubsub_->linked(); }

error_code ClusterService::check(std::string_view kind, std::string_view bytes) const {
    if (!valid_event(kind)) return make_error_code(Errc::invalid_event);
    // With room for the frame's head.
    if (bytes.size() > max_cluster_frame - 1024) return make_error_code(Errc::message_too_big);
    return {};
}

error_code ClusterService::send(const RandomId& node, std::string_view kind,
                                std::string_view bytes) {
    if (const auto refused = check(kind, bytes)) return refused;
    if (node == node_id()) {
        came(node, kind, bytes);
        return {};
    }
    return pubsub_->tell(to_hex(node), kind, bytes);
}

error_code ClusterService::broadcast(std::string_view kind, std::string_view bytes) {
    if (const auto refused = check(kind, bytes)) return refused;
    return linked() ? pubsub_->tell(PubSubCore::all_nodes, kind, bytes) : error_code{};
}

std::shared_ptr<void> ClusterService::on(std::string kind, Callback callback) {
    auto kept = std::make_shared<Callback>(std::move(callback));
    const std::lock_guard lock(mutex_);
    callbacks_[std::move(kind)] = kept;
    return kept;
}

bool ClusterService::came(const RandomId& from, std::string_view kind,
                          std::string_view bytes) const {
    std::shared_ptr<const Callback> callback;
    {
        const std::lock_guard lock(mutex_);
        const auto found = callbacks_.find(kind);
        if (found != callbacks_.end()) callback = found->second.lock();
    }
    return !callback || (*callback)(from, bytes);
}

} // namespace chain::detail
