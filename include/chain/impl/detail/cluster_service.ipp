// Definitions of <chain/detail/cluster_service.hpp>.
#pragma once

#include <chain/detail/cluster_service.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/detail/lane.hpp>
#include <chain/detail/node_wire.hpp>
#include <chain/detail/pubsub_core.hpp>
#include <chain/topic.hpp>

#include <algorithm>
#include <utility>

namespace chain::detail {

inline constexpr std::string_view beat_kind = "beat";
inline constexpr std::uint64_t beat_version = 1;

/// Beats on a lane, again and again; when that goes, on another one.
class ClusterService::Tick {
  public:
    explicit Tick(std::weak_ptr<ClusterService> service) : service_(std::move(service)) {}
    ~Tick() {
        const auto service = service_.lock();
        if (service) service->stopped_beating();
    }
    Tick(const Tick&) = delete;
    Tick& operator=(const Tick&) = delete;

    /// It is not to run.
    void dismiss() noexcept { service_.reset(); }

    static void run(const std::shared_ptr<Tick>& tick, Lane& lane) {
        const auto service = tick->service_.lock();
        if (!service || service->stopped_) return tick->dismiss();
        service->beat();
        lane.after(service->leases_.beat(), [tick, &lane] { run(tick, lane); });
    }

  private:
    std::weak_ptr<ClusterService> service_;
};

ClusterService::ClusterService(std::shared_ptr<PubSubCore> pubsub, std::chrono::milliseconds lease)
    : pubsub_(std::move(pubsub)), leases_(lease) {}

ClusterService::~ClusterService() = default;

void ClusterService::listen(std::weak_ptr<HandlerCore> handler) {
    handler_ = std::move(handler);
    const auto weak = weak_from_this();
    pubsub_->on_node_message(
        [weak](const ClusterFrame& frame) {
            const auto self = weak.lock();
            return !self || self->came(frame);
        },
        [weak] {
            if (const auto self = weak.lock()) self->keep_beating();
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
        hand_over(node, kind, bytes);
        return {};
    }
    return pubsub_->tell(to_hex(node), kind, bytes);
}

error_code ClusterService::broadcast(std::string_view kind, std::string_view bytes) {
    if (const auto refused = check(kind, bytes)) return refused;
    return linked() ? pubsub_->tell(PubSubCore::all_nodes, kind, bytes) : error_code{};
}

/// Appends to a list, from which those that have gone are removed.
template <class T>
void add_to(std::list<std::weak_ptr<const T>>& list, const std::shared_ptr<const T>& item) {
    list.remove_if([](const auto& other) { return other.expired(); });
    list.push_back(item);
}

/// Those that have not gone.
template <class T>
std::vector<std::shared_ptr<const T>> living(const std::list<std::weak_ptr<const T>>& list) {
    std::vector<std::shared_ptr<const T>> all;
    for (const auto& weak : list)
        if (auto item = weak.lock()) all.push_back(std::move(item));
    return all;
}

std::shared_ptr<void> ClusterService::on(std::string kind, Callback callback) {
    auto kept = std::make_shared<Callback>(std::move(callback));
    const std::lock_guard lock(mutex_);
    callbacks_[std::move(kind)] = kept;
    return kept;
}

std::shared_ptr<void> ClusterService::add_to_beat(std::string kind,
                                                  std::function<std::string()> say) {
    auto kept = std::make_shared<Addition>(Addition{std::move(kind), std::move(say)});
    const std::lock_guard lock(mutex_);
    add_to<Addition>(additions_, kept);
    return kept;
}

std::shared_ptr<void> ClusterService::on_end(std::function<void(const RandomId&)> callback) {
    auto kept = std::make_shared<End>(std::move(callback));
    const std::lock_guard lock(mutex_);
    add_to<End>(ends_, kept);
    return kept;
}

std::vector<RandomId> ClusterService::nodes() const {
    const std::lock_guard lock(mutex_);
    return leases_.nodes();
}

bool ClusterService::alive(const RandomId& node) const {
    const std::lock_guard lock(mutex_);
    return node == node_id() || leases_.alive(node);
}

bool ClusterService::silent(const RandomId& node, std::chrono::milliseconds time) const {
    const auto handler = handler_.lock();
    if (!handler) return true;
    const std::lock_guard lock(mutex_);
    return leases_.silent(node, time, handler->clock().now());
}

bool ClusterService::came(const ClusterFrame& frame) {
    const auto handler = handler_.lock();
    if (!handler) return true;
    const auto now = handler->clock().now();
    {
        const std::lock_guard lock(mutex_);
        if (frame.node == node_id()) {
            leases_.came_through(now);
            return true;
        }
        if (!leases_.heard(frame.node, now)) return false;
    }
    if (frame.event == beat_kind) return came_beat(frame.node, frame.payload);
    return hand_over(frame.node, frame.event, frame.payload);
}

bool ClusterService::came_beat(const RandomId& from, std::string_view bytes) const {
    NodeReader in(bytes);
    if (in.number() != beat_version) return false;
    bool good = true;
    while (in.more()) {
        const auto kind = in.text();
        const auto said = in.text();
        good &= in.good() && hand_over(from, kind, said);
    }
    return good && in.ended();
}

bool ClusterService::hand_over(const RandomId& from, std::string_view kind,
                               std::string_view bytes) const {
    std::shared_ptr<const Callback> callback;
    {
        const std::lock_guard lock(mutex_);
        const auto found = callbacks_.find(kind);
        if (found != callbacks_.end()) callback = found->second.lock();
    }
    return !callback || (*callback)(from, bytes);
}

void ClusterService::keep_beating() {
    const auto handler = handler_.lock();
    if (!handler || stopped_ || !linked()) return;
    const std::lock_guard lock(beat_mutex_);
    if (beating_) return;
    for (const auto& lane : handler->lanes()) {
        const auto tick = std::make_shared<Tick>(weak_from_this());
        beating_ = lane->post([tick, lane] { Tick::run(tick, *lane); });
        if (beating_) return;
        tick->dismiss();
    }
}

void ClusterService::stopped_beating() {
    {
        const std::lock_guard lock(beat_mutex_);
        beating_ = false;
    }
    keep_beating();
}

void ClusterService::beat() {
    end_silent_nodes();
    std::vector<std::shared_ptr<const Addition>> additions;
    {
        const std::lock_guard lock(mutex_);
        additions = living<Addition>(additions_);
    }
    NodeWriter out;
    out.number(beat_version);
    for (const auto& addition : additions) out.text(addition->kind).text(addition->say());
    broadcast(beat_kind, out.bytes());
}

void ClusterService::end_silent_nodes() {
    const auto handler = handler_.lock();
    if (!handler) return;
    const auto now = handler->clock().now();
    const bool through = pubsub_->reaches_broker();
    std::vector<RandomId> over;
    std::vector<std::shared_ptr<const End>> ends;
    {
        const std::lock_guard lock(mutex_);
        if (through) leases_.came_through(now);
        over = leases_.expired(now);
        ends = living<End>(ends_);
    }
    for (const auto& node : over)
        for (const auto& end : ends) (*end)(node);
}

} // namespace chain::detail
