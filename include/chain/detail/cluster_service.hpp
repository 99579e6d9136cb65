// ClusterService: what the nodes of a handler say to one another.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/error.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace chain::detail {

class PubSubCore;

/// Messages from node to node, and from one to all others, over the adapter that carries all
/// topics (`attach(adapter)`), or else the first that was attached. They are topics of that
/// adapter, `/socket:n:all` and `/socket:n:<id>`, so they come as surely and in the same order as
/// broadcasts do: per sender and topic, and nothing is said of how the two topics mix. Each message
/// is a versioned frame of at most `max_cluster_frame`; one that cannot be read is dropped and
/// counted (`Observer::bad_frame`).
///
/// Thread-safe. No lock is held while a callback runs.
class ClusterService : public std::enable_shared_from_this<ClusterService> {
  public:
    /// Takes a message, on the adapter's thread, which it must not hold up. @return false when it
    /// makes no sense: it is counted
    using Callback = std::function<bool(const RandomId& from, std::string_view bytes)>;

    explicit ClusterService(std::shared_ptr<PubSubCore> pubsub);
    ~ClusterService();

    /// Takes messages from now on. Once, before the first adapter is attached.
    void listen();
    /// This handler in this life: random, so that a program that starts again has another one.
    const RandomId& node_id() const noexcept;
    /// Is there an adapter, hence other nodes?
    bool linked() const;
    /// Says something to one node. To this one it comes at once, before this returns.
    /// @return no error when the adapter took it, which does not say that the node lives;
    /// `Errc::invalid_event` (`kind`), `Errc::adapter_down` (also without any adapter),
    /// `Errc::adapter_full`, `Errc::adapter_failed`, `Errc::message_too_big`
    error_code send(const RandomId& node, std::string_view kind, std::string_view bytes);
    /// Says something to all other nodes.
    /// @return as `send`; no error without any adapter, as there is nobody else then
    error_code broadcast(std::string_view kind, std::string_view bytes);
    /// Calls `callback` for each message of this kind, until what is returned goes; a call that is
    /// running may still finish. A kind is named like an event. A newer callback takes the place of
    /// an older one.
    [[nodiscard]] std::shared_ptr<void> on(std::string kind, Callback callback);

  private:
    error_code check(std::string_view kind, std::string_view bytes) const;
    bool came(const RandomId& from, std::string_view kind, std::string_view bytes) const;

    std::shared_ptr<PubSubCore> pubsub_;
    mutable std::mutex mutex_; ///< Guards the next one.
    StringMap<std::weak_ptr<const Callback>> callbacks_;
};

} // namespace chain::detail
