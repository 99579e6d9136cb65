// PubSubCore: what is behind a PubSub: routes to lanes, plain subscribers, adapters.
#pragma once

#include <chain/adapter.hpp>
#include <chain/config.hpp>
#include <chain/connection.hpp>
#include <chain/detail/adapter_link.hpp>
#include <chain/detail/cluster_frame.hpp>
#include <chain/detail/dialect.hpp>
#include <chain/detail/pattern_map.hpp>
#include <chain/detail/topic_router.hpp>
#include <chain/message.hpp>
#include <chain/observer.hpp>
#include <chain/pubsub.hpp>
#include <chain/serializer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class Lane;
class Membership;
class TopicEntry;

/// Where a broadcast comes from, so that its own lane can be served first.
struct Origin {
    Lane* lane = nullptr;         ///< The lane whose thread this is, or null.
    TopicEntry* entry = nullptr;  ///< The topic's entry there, where it is at hand.
    Membership* except = nullptr; ///< Who does not get it.
};

/// Fan-out on this node and to the others. Thread-safe.
class PubSubCore : public std::enable_shared_from_this<PubSubCore> {
  public:
    PubSubCore(std::string_view endpoint, std::shared_ptr<Observer> observer);
    ~PubSubCore();

    TopicRouter& router() noexcept { return router_; }
    /// A session uses this dialect and framing: broadcasts that reach several lanes are encoded and
    /// compressed for it once, by the publisher.
    void uses(const Serializer& serializer, Framing framing) {
        dialects_.add(serializer);
        if (framing == Framing::websocket_deflate) deflates_.store(true, std::memory_order_relaxed);
    }
    /// How broadcasts are compressed. Set-up.
    void compression(const Compression& how) noexcept { compression_ = how; }
    /// Payloads have to be objects, null or bytes. Set-up.
    void objects_only() noexcept { objects_only_ = true; }
    /// May this be sent to clients?
    bool sends(std::string_view payload, bool binary) const noexcept {
        return !objects_only_ || binary || payload.starts_with('{') || payload == "null";
    }
    /// A warning for the log.
    void warn(const std::string& text) const noexcept {
        notify([&](Observer& o) { o.log(LogLevel::warning, text); });
    }
    /// No adapter may be attached from now on.
    void freeze() noexcept { frozen_ = true; }

    /// Sends an event (a Message of kind broadcast, checked) to the topic's subscribers.
    error_code broadcast(const Message& message, const Origin& origin, bool everywhere);
    /// Hands a payload to the plain subscribers of a topic.
    error_code publish(std::string_view topic, const Payload& payload, bool everywhere);
    std::shared_ptr<void> subscribe(std::string pattern, PubSubCallback callback);
    void attach(std::string pattern, std::shared_ptr<Adapter> adapter);
    /// This handler among those of a cluster, in this life.
    const RandomId& node() const noexcept { return node_; }
    /// Whom `tell` means with all other nodes.
    static constexpr std::string_view all_nodes = "all";
    /// Sends a message (a kind, named like an event, and bytes) to the node of this id as
    /// hexadecimal digits, or to all others. Its adapter is that of all topics, or else the first.
    error_code tell(std::string_view whom, std::string_view kind, std::string_view bytes);
    /// Takes such messages, this node's own too if they come back, on the adapter's thread. @return
    /// false when one makes no sense
    using NodeMessage = std::function<bool(const ClusterFrame& frame)>;
    /// Once, before the first adapter is attached. `linked` is called when one is.
    void on_node_message(NodeMessage f, std::function<void()> linked) {
        node_message_ = std::move(f);
        linked_ = std::move(linked);
    }
    /// Does the adapter of these messages reach its broker, as far as it can tell without them?
    /// False when it hands a node's own messages back: these tell more.
    bool reaches_broker() const;
    /// Is there an adapter?
    bool linked() const { return control() != nullptr; }
    /// Do all adapters reach their brokers?
    bool ready() const;
    /// Stops the adapters; nothing is received any more.
    void stop();

  private:
    struct Subscriber {
        TopicPattern pattern;
        PubSubCallback callback;
    };
    using Subscribers = std::vector<std::shared_ptr<Subscriber>>;

    /// Tells the observer; what it throws is ignored.
    template <class F>
    void notify(F call) const noexcept {
        try {
            call(*observer_);
        } catch (...) {
            return;
        }
    }
    void deliver(const Message& message, const Origin& origin);
    void spread(Route& route, const Message& message, const Origin& origin);
    /// What an adapter's topic is about.
    struct Place {
        ClusterFrame::Kind kind;
        std::string_view topic;
    };

    void receive(std::string_view key, std::string_view bytes);
    error_code receive_frame(const Place& place, std::string_view bytes);
    error_code receive_from_node(const ClusterFrame& frame) const noexcept;
    error_code receive_plain(const Place& place, std::string_view bytes);
    void report(std::string_view pattern, const AdapterNotice& notice) const noexcept;
    void adapter_threw(std::exception_ptr thrown) noexcept;
    error_code forward(const ClusterFrame& frame);
    void changed(const std::string& topic, std::string_view prefix);
    bool wanted(const std::string& key);
    std::shared_ptr<AdapterLink> link(std::string_view topic) const;
    std::shared_ptr<AdapterLink> control() const;
    std::string key(ClusterFrame::Kind kind, std::string_view topic) const;
    std::optional<Place> place(std::string_view key) const noexcept;
    Subscribers subscribers() const;
    void unsubscribe(const std::shared_ptr<Subscriber>& subscriber);

    std::string prefix_; ///< Of the adapters' topics, so that endpoints never meet.
    std::shared_ptr<Observer> observer_;
    RandomId node_;
    TopicRouter router_;
    DialectsInUse dialects_;
    std::atomic<bool> deflates_{false}; ///< Is any session's connection compressed?
    Compression compression_;
    NodeMessage node_message_;
    std::function<void()> linked_;
    mutable std::mutex mutex_; ///< Guards the next four.
    Subscribers subscribers_;
    PatternMap<std::shared_ptr<AdapterLink>> links_;
    std::shared_ptr<AdapterLink> control_; ///< Carries what nodes say to one another.
    std::vector<std::shared_ptr<AdapterLink>> all_links_;
    bool frozen_ = false;
    bool objects_only_ = false;
};

} // namespace chain::detail
