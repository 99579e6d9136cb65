// PubSub: per-topic fan-out on this node and, through adapters, to the others.
#pragma once

#include <chain/adapter.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/json.hpp>
#include <chain/payload.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace chain {

/// What a plain subscriber is called with, on the publisher's thread: the topic and its payload.
using PubSubCallback = std::function<void(std::string_view topic, const Payload& payload)>;

/// A plain subscription; it ends when this is destroyed.
class Subscription {
  public:
    Subscription() = default;
    /// Wraps the library's own object; see `PubSub::subscribe`.
    explicit Subscription(std::shared_ptr<void> guard) noexcept : guard_(std::move(guard)) {}
    /// Ends it now. A call that is running on another thread may still finish.
    void reset() noexcept { guard_.reset(); }

  private:
    std::shared_ptr<void> guard_;
};

/// A handler's pub/sub: what is published on a topic reaches its subscribers on this node and,
/// where an adapter serves the topic, on the others. Each handler has its own, so that equal topics
/// of two endpoints never meet. A shared handle; thread-safe.
class PubSub {
  public:
    /// Wraps the library's own object; see `Handler::pubsub`.
    explicit PubSub(std::shared_ptr<detail::PubSubCore> core) noexcept : core_(std::move(core)) {}

    /// Publishes to plain subscribers and to channels that subscribed (`Channel::subscribe`), on
    /// all nodes. Such topics are apart from those that clients join.
    /// @return no error; `Errc::invalid_topic`, `Errc::invalid_payload`; when this node's
    /// subscribers alone got it: `Errc::adapter_down`, `Errc::adapter_full`,
    /// `Errc::adapter_failed`, `Errc::message_too_big`
    error_code publish(std::string_view topic, Json payload);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code publish(std::string_view topic, const P& payload) {
        return publish_payload(topic, payload);
    }
    /// Sends an event to everybody who joined `topic`, on all nodes.
    /// @return no error; `Errc::invalid_topic`, `Errc::invalid_event`, `Errc::invalid_payload`;
    /// when this node's members alone got it: as for `publish`
    error_code broadcast(std::string_view topic, std::string_view event, Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code broadcast(std::string_view topic, std::string_view event, const P& payload) {
        return broadcast_payload(topic, event, payload, true);
    }
    /// The same on this node only.
    error_code local_broadcast(std::string_view topic, std::string_view event,
                               Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code local_broadcast(std::string_view topic, std::string_view event, const P& payload) {
        return broadcast_payload(topic, event, payload, false);
    }
    /// Calls `callback` for each publication on a topic that matches `pattern`.
    /// @throws std::invalid_argument for a bad pattern
    [[nodiscard]] Subscription subscribe(std::string pattern, PubSubCallback callback);

    /// Lets `adapter` carry the topics that match `pattern`; the best pattern for a topic wins.
    /// Before the first client.
    /// @throws std::invalid_argument for a bad or taken pattern; std::logic_error after the first
    /// client; what the adapter throws when it is started, which then is not attached
    void attach(std::string pattern, std::shared_ptr<Adapter> adapter);
    /// Lets `adapter` carry all topics that no better pattern has.
    /// @throws as the other one
    void attach(std::shared_ptr<Adapter> adapter) { attach("*", std::move(adapter)); }
    /// Do all adapters reach their brokers? True without adapters.
    bool ready() const;

  private:
    error_code publish_payload(std::string_view topic, const Payload& payload);
    error_code broadcast_payload(std::string_view topic, std::string_view event,
                                 const Payload& payload, bool everywhere);

    std::shared_ptr<detail::PubSubCore> core_;
};

} // namespace chain
