// Definitions of <chain/detail/pubsub_core.hpp>.
#pragma once

#include <chain/detail/lane.hpp>
#include <chain/detail/membership.hpp>
#include <chain/detail/pubsub_core.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace chain::detail {

/// The endpoint as the first part of an adapter's topic: without a colon.
std::string key_prefix(std::string_view endpoint) {
    std::string out;
    for (const char c : endpoint) {
        if (c == ':' || c == '%')
            out += c == ':' ? "%3A" : "%25";
        else
            out += c;
    }
    return out + ':';
}

PubSubCore::PubSubCore(std::string_view endpoint, std::shared_ptr<Observer> observer)
    : prefix_(key_prefix(endpoint)), observer_(std::move(observer)), node_(make_random_id()),
      router_([this](const std::string& topic, bool) {
          changed(key(ClusterFrame::Kind::broadcast, topic), topic);
      }) {}

PubSubCore::~PubSubCore() = default;

/// Of the kinds of frames, in adapters' topics.
inline constexpr std::string_view place_letters = "cpn";

/// Adapters see endpoint, kind and topic in one name: `/socket:c:room:a` for events to those who
/// joined, `/socket:p:news` for publications to plain subscribers, `/socket:n:all` and
/// `/socket:n:<id>` for what nodes say to one another.
std::string PubSubCore::key(ClusterFrame::Kind kind, std::string_view topic) const {
    return (prefix_ + place_letters[static_cast<std::size_t>(kind) - 1]).append(":").append(topic);
}

std::optional<PubSubCore::Place> PubSubCore::place(std::string_view key) const noexcept {
    if (!key.starts_with(prefix_)) return std::nullopt;
    key.remove_prefix(prefix_.size());
    const auto kind = key.empty() ? key.npos : place_letters.find(key.front());
    if (kind == key.npos || !key.substr(1).starts_with(':')) return std::nullopt;
    return Place{static_cast<ClusterFrame::Kind>(kind + 1), key.substr(2)};
}

error_code PubSubCore::broadcast(const Message& message, const Origin& origin, bool everywhere) {
    if (!valid_topic(message.topic)) return make_error_code(Errc::invalid_topic);
    if (!valid_event(message.event)) return make_error_code(Errc::invalid_event);
    if (!sends(message.payload, message.binary)) return make_error_code(Errc::not_an_object);
    error_code failed;
    if (everywhere)
        failed = forward({ClusterFrame::Kind::broadcast, message.binary, node_, message.topic,
                          message.event, message.payload});
    deliver(message, origin);
    return failed;
}

void PubSubCore::deliver(const Message& message, const Origin& origin) {
    const auto found = origin.entry ? nullptr : router_.find(message.topic);
    auto* route = origin.entry ? origin.entry->route().get() : found.get();
    if (!route) return;
    const bool own_lane = origin.lane && &origin.lane->handler().pubsub() == this;
    const auto lane = own_lane ? nullptr : route->lane_here();
    if (lane) {
        const Lane::Scope scope(*lane);
        spread(*route, message, {lane.get(), nullptr, origin.except});
    } else {
        spread(*route, message, own_lane ? origin : Origin{nullptr, nullptr, origin.except});
    }
    notify([&](Observer& o) { o.broadcast(route->channel().pattern.text()); });
}

/// Hands a broadcast to the lanes of its topic, its own lane first.
void PubSubCore::spread(Route& route, const Message& message, const Origin& origin) {
    auto* here = origin.lane;
    if (here && route.sole() == here) {
        auto* entry = origin.entry ? origin.entry : here->find_topic(message.topic);
        if (entry) here->apply(*entry, message, origin.except, nullptr);
        return;
    }
    DialectsInUse::Some dialects;
    const Ref<Broadcast> shared(
        new Broadcast(message, Ref<Membership>(origin.except), dialects_.list(dialects),
                      deflates_.load(std::memory_order_relaxed) ? &compression_ : nullptr));
    const std::lock_guard lock(route.mutex());
    if (here) here->apply_mailbox();
    for (const auto& lane : route.lanes())
        lane.get() == here ? here->apply(shared) : static_cast<void>(lane->post(shared));
}

error_code PubSubCore::publish(std::string_view topic, const Payload& payload, bool everywhere) {
    if (!valid_topic(topic)) return make_error_code(Errc::invalid_topic);
    error_code failed;
    if (everywhere)
        failed = forward({ClusterFrame::Kind::publication,
                          payload.is_binary(),
                          node_,
                          topic,
                          {},
                          payload.raw()});
    for (const auto& subscriber : subscribers()) {
        if (!subscriber->pattern.matches(topic)) continue;
        try {
            subscriber->callback(topic, payload);
        } catch (const std::exception& thrown) {
            notify([&](Observer& o) {
                o.log(LogLevel::error, std::string("a subscriber threw: ") + thrown.what());
            });
        } catch (...) {
            notify([](Observer& o) {
                o.log(LogLevel::error, "a subscriber threw something that is no std::exception");
            });
        }
    }
    return failed;
}

error_code PubSubCore::forward(const ClusterFrame& frame) {
    const auto link = frame.kind == ClusterFrame::Kind::node ? control() : this->link(frame.topic);
    if (!link) return {};
    if (cluster_frame_size(frame) > max_cluster_frame) // no node would read it
        return make_error_code(Errc::message_too_big);
    try {
        return link->adapter().publish(key(frame.kind, frame.topic), write_cluster_frame(frame));
    } catch (...) {
        adapter_threw(std::current_exception());
        return make_error_code(Errc::adapter_failed);
    }
}

error_code PubSubCore::tell(std::string_view whom, std::string_view kind, std::string_view bytes) {
    if (!linked()) return make_error_code(Errc::adapter_down);
    return forward({ClusterFrame::Kind::node, true, node_, whom, kind, bytes});
}

void PubSubCore::adapter_threw(std::exception_ptr thrown) noexcept {
    notify([&](Observer& o) {
        try {
            std::rethrow_exception(std::move(thrown));
        } catch (const std::exception& e) {
            o.log(LogLevel::error, std::string("an adapter threw: ") + e.what());
        } catch (...) {
            o.log(LogLevel::error, "an adapter threw something that is no std::exception");
        }
    });
}

void PubSubCore::receive(std::string_view key, std::string_view bytes) {
    const auto place = this->place(key);
    auto failed = make_error_code(Errc::invalid_cluster_frame);
    if (place && bytes.size() <= max_cluster_frame)
        failed =
            is_cluster_frame(bytes) ? receive_frame(*place, bytes) : receive_plain(*place, bytes);
    if (failed) notify([&](Observer& o) { o.bad_frame(failed); });
}

error_code PubSubCore::receive_frame(const Place& place, std::string_view bytes) {
    if (place.kind != ClusterFrame::Kind::node && sent_by(bytes, node_)) return {};
    const auto frame = read_cluster_frame(bytes);
    if (!frame) return frame.error();
    if (frame->kind != place.kind || frame->topic != place.topic)
        return make_error_code(Errc::invalid_cluster_frame);
    if (frame->kind == ClusterFrame::Kind::node) return receive_from_node(*frame);
    if (frame->kind == ClusterFrame::Kind::publication)
        return publish(frame->topic, Payload::view(frame->payload, frame->binary), false);
    Message message;
    message.kind = MessageKind::broadcast;
    message.topic = frame->topic;
    message.event = frame->event;
    message.payload = frame->payload;
    message.binary = frame->binary;
    return broadcast(message, {}, false);
}

error_code PubSubCore::receive_from_node(const ClusterFrame& frame) const noexcept {
    try {
        if (node_message_ && node_message_(frame)) return {};
    } catch (const std::exception& thrown) {
        notify([&](Observer& o) {
            o.log(LogLevel::error, std::string("a node's message: ") + thrown.what());
        });
    }
    return make_error_code(Errc::invalid_cluster_frame);
}

/// Programs that know nothing of cluster frames publish JSON: the payload, or for those who joined
/// an object with `event` and `payload`.
error_code PubSubCore::receive_plain(const Place& place, std::string_view bytes) {
    const auto payload = Payload::from_text(bytes);
    if (!payload || place.kind == ClusterFrame::Kind::node)
        return make_error_code(Errc::invalid_cluster_frame);
    if (place.kind == ClusterFrame::Kind::publication) return publish(place.topic, *payload, false);
    const auto& json = payload->json();
    const auto event = json.is_object() ? json.find("event") : json.end();
    if (event == json.end() || !event->is_string())
        return make_error_code(Errc::invalid_cluster_frame);
    const auto carried = Payload::from_json(json.value("payload", Json()));
    if (!carried) return carried.error();
    Message message;
    message.kind = MessageKind::broadcast;
    message.topic = place.topic;
    message.event = event->get_ref<const std::string&>();
    message.payload = carried->raw();
    return broadcast(message, {}, false);
}

void PubSubCore::report(std::string_view pattern, const AdapterNotice& notice) const noexcept {
    notify([&](Observer& o) {
        switch (notice.kind) {
        case AdapterNotice::Kind::up: return o.adapter_up(pattern);
        case AdapterNotice::Kind::down: return o.adapter_down(pattern, notice.reason, notice.text);
        case AdapterNotice::Kind::lost: return o.adapter_lost(pattern, notice.count, notice.reason);
        }
    });
}

std::shared_ptr<void> PubSubCore::subscribe(std::string pattern, PubSubCallback callback) {
    auto subscriber = std::make_shared<Subscriber>(
        Subscriber{TopicPattern(std::move(pattern)), std::move(callback)});
    {
        const std::lock_guard lock(mutex_);
        subscribers_.push_back(subscriber);
    }
    changed(key(ClusterFrame::Kind::publication, subscriber->pattern.text()),
            subscriber->pattern.prefix());
    return {subscriber.get(), [subscriber, weak = weak_from_this()](void*) {
                if (const auto self = weak.lock()) self->unsubscribe(subscriber);
            }};
}

void PubSubCore::unsubscribe(const std::shared_ptr<Subscriber>& subscriber) {
    {
        const std::lock_guard lock(mutex_);
        std::erase(subscribers_, subscriber);
    }
    changed(key(ClusterFrame::Kind::publication, subscriber->pattern.text()),
            subscriber->pattern.prefix());
}

PubSubCore::Subscribers PubSubCore::subscribers() const {
    const std::lock_guard lock(mutex_);
    return subscribers_;
}

void PubSubCore::attach(std::string pattern, std::shared_ptr<Adapter> adapter) {
    if (frozen_) throw std::logic_error("chain: attach adapters before the first client comes");
    const TopicPattern topics(std::move(pattern));
    auto link = std::make_shared<AdapterLink>(
        adapter, [this](const std::string& key) { return wanted(key); },
        [this](std::exception_ptr thrown) { adapter_threw(std::move(thrown)); });
    {
        const std::lock_guard lock(mutex_);
        links_.expect_free(topics);
    }
    adapter->report_to([weak = weak_from_this(), topics](const AdapterNotice& notice) {
        if (const auto self = weak.lock()) self->report(topics.text(), notice);
    });
    adapter->start([weak = weak_from_this()](std::string_view key, std::string_view frame) {
        if (const auto self = weak.lock()) self->receive(key, frame);
    });
    { // one that could not start carries nothing
        const std::lock_guard lock(mutex_);
        links_.insert(topics, link);
        all_links_.push_back(link);
        if (!control_ || topics.text() == "*") control_ = link;
    }
    for (const auto& subscriber : subscribers())
        changed(key(ClusterFrame::Kind::publication, subscriber->pattern.text()),
                subscriber->pattern.prefix());
    for (const auto& whom : {std::string(all_nodes), to_hex(node_)})
        link->changed(key(ClusterFrame::Kind::node, whom));
    if (linked_) linked_();
}

bool PubSubCore::reaches_broker() const {
    const auto link = control();
    return link && !link->adapter().echoes() && link->adapter().ready();
}

std::shared_ptr<AdapterLink> PubSubCore::control() const {
    const std::lock_guard lock(mutex_);
    return control_;
}

std::shared_ptr<AdapterLink> PubSubCore::link(std::string_view topic) const {
    const std::lock_guard lock(mutex_);
    const auto* found = links_.match(topic);
    return found ? *found : nullptr;
}

/// What this node wants of a key may have changed. `prefix` is the topic, or the fixed part of a
/// pattern.
void PubSubCore::changed(const std::string& key, std::string_view prefix) {
    if (const auto found = link(prefix)) found->changed(key);
}

bool PubSubCore::wanted(const std::string& key) {
    const auto place = this->place(key);
    if (!place) return false;
    if (place->kind == ClusterFrame::Kind::node) return true;
    if (place->kind == ClusterFrame::Kind::broadcast) return router_.contains(place->topic);
    const auto same = [&](const auto& subscriber) {
        return subscriber->pattern.text() == place->topic;
    };
    return std::ranges::any_of(subscribers(), same);
}

bool PubSubCore::ready() const {
    const std::lock_guard lock(mutex_);
    return std::ranges::all_of(all_links_,
                               [](const auto& link) { return link->adapter().ready(); });
}

void PubSubCore::stop() {
    std::vector<std::shared_ptr<AdapterLink>> links;
    {
        const std::lock_guard lock(mutex_);
        links.swap(all_links_);
        links_ = {};
        control_.reset();
    }
    for (const auto& link : links) {
        try {
            link->adapter().stop();
        } catch (...) {
            adapter_threw(std::current_exception());
        }
    }
}

} // namespace chain::detail
