// ClusterService: what the nodes of a handler say to one another.
#pragma once

#include <chain/detail/node_leases.hpp>
#include <chain/detail/pattern_map.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/error.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

class HandlerCore;
class PubSubCore;
struct ClusterFrame;

/// Messages from node to node, and from one to all others, over the adapter that carries all
/// topics (`attach(adapter)`), or else the first that was attached. They are topics of that
/// adapter, `/socket:n:all` and `/socket:n:<id>`, so they come as surely and in the same order as
/// broadcasts do: per sender and topic, and nothing is said of how the two topics mix. Each message
/// is a versioned frame of at most `max_cluster_frame`; one that cannot be read is dropped and
/// counted (`Observer::bad_frame`).
///
/// A node shows that it lives by a beat, `Timeouts::node_lease` / 10 apart and at most 1 s, in
/// which other parts may say something to all, too. One that was silent for the lease is taken for
/// dead; leases do not run while this node's own beats do not come back, or, where the adapter does
/// not hand them back, while it does not reach its broker. Beats begin with the handler's first
/// lane: `Handler::use`, or the first client.
///
/// Thread-safe. No lock is held while a callback runs.
class ClusterService : public std::enable_shared_from_this<ClusterService> {
  public:
    /// Takes a message, on the adapter's thread, which it must not hold up. @return false when it
    /// makes no sense: it is counted
    using Callback = std::function<bool(const RandomId& from, std::string_view bytes)>;

    ClusterService(std::shared_ptr<PubSubCore> pubsub, std::chrono::milliseconds lease);
    ~ClusterService();

    /// Takes messages from now on. Once, before the first adapter is attached.
    void listen(std::weak_ptr<HandlerCore> handler);
    /// There may be a lane to beat on now.
    void keep_beating();
    /// Beats no more.
    void stop() noexcept { stopped_ = true; }
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
    /// Makes each beat bring what `say` returns as a message of this kind, until what is returned
    /// goes.
    [[nodiscard]] std::shared_ptr<void> add_to_beat(std::string kind,
                                                    std::function<std::string()> say);
    /// Calls `callback` when a node is taken for dead, until what is returned goes. It may be heard
    /// again later.
    [[nodiscard]] std::shared_ptr<void> on_end(std::function<void(const RandomId& node)> callback);
    /// The other nodes that live: those that were heard of within the lease.
    std::vector<RandomId> nodes() const;
    /// Is it this node, or one of `nodes`?
    bool alive(const RandomId& node) const;
    /// Has nothing of a node come for so long, or three beats if that is more, though messages come
    /// through?
    bool silent(const RandomId& node, std::chrono::milliseconds time) const;
    /// 1, 2, 3, …: for kinds of messages of parts of which a handler has several.
    std::size_t next_number() noexcept { return ++numbers_; }

  private:
    class Tick;
    struct Addition {
        std::string kind;
        std::function<std::string()> say;
    };
    using End = std::function<void(const RandomId&)>;

    error_code check(std::string_view kind, std::string_view bytes) const;
    bool came(const ClusterFrame& frame);
    bool came_beat(const RandomId& from, std::string_view bytes) const;
    bool hand_over(const RandomId& from, std::string_view kind, std::string_view bytes) const;
    void beat();
    void end_silent_nodes();
    void stopped_beating();

    std::shared_ptr<PubSubCore> pubsub_;
    std::weak_ptr<HandlerCore> handler_;
    std::atomic<bool> stopped_{false};
    std::atomic<std::size_t> numbers_{0};
    std::mutex beat_mutex_; ///< Guards the next one.
    bool beating_ = false;
    mutable std::mutex mutex_; ///< Guards the rest.
    NodeLeases leases_;
    StringMap<std::weak_ptr<const Callback>> callbacks_;
    std::list<std::weak_ptr<const Addition>> additions_;
    std::list<std::weak_ptr<const End>> ends_;
};

} // namespace chain::detail
