// NodePresence: a store of presences that the nodes of a cluster share.
#pragma once

#include <chain/detail/cluster_service.hpp>
#include <chain/detail/presence_peer.hpp>
#include <chain/presence_store.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace chain::detail {

/// Keeps this node's presences and those of the others.
///
/// A node numbers its changes and sends each to all others. With every beat it says the number of
/// the last; who has missed some asks for all of the node's entries, which come in parts. A node
/// that starts again has another id and a greater epoch: the entries of its former life go as soon
/// as it is heard. Those of a node that is silent go when its lease is over.
class NodePresence final : public MemoryPresenceStore,
                           public std::enable_shared_from_this<NodePresence> {
  public:
    /// @param kind  of its messages: the same on all nodes, and of no other store of the handler
    NodePresence(std::shared_ptr<ClusterService> cluster, std::string kind);
    ~NodePresence() override;

    void start(const PresenceNode& self, Merge merge) override;
    void apply(const PresenceChange& change) override;
    void flush() override;

    /// A part of a snapshot has about so many bytes.
    static constexpr std::size_t part_bytes = 64 * 1024;

  private:
    using Changes = PresencePeer::Changes;

    bool came(const RandomId& from, std::string_view bytes);
    bool come_version(const RandomId& from, std::string_view bytes);
    bool come_diffs(const RandomId& from, std::string_view bytes);
    bool come_part(const RandomId& from, std::string_view bytes);
    PresencePeer* meet(const RandomId& from, PresenceNode node);
    void gone(const RandomId& node);
    void ask(const RandomId& node);
    void tell(Changes changes);
    std::string version();
    bool send_all(const RandomId& whom);
    void begin_sharing();
    bool take_diffs(std::string& diffs, std::uint64_t& last);

    std::shared_ptr<ClusterService> cluster_;
    std::string kind_;
    PresenceNode self_;
    Merge merge_;
    std::shared_ptr<void> messages_, beats_, ends_;
    std::mutex mutex_; ///< Guards the rest.
    bool sharing_ = false;
    PresenceTable own_;
    std::uint64_t number_ = 0; ///< Of this node's last change.
    std::uint64_t sent_ = 0;   ///< Of the last that was sent.
    bool sending_ = false;     ///< Is a thread at it?
    std::deque<PresenceChange> unsent_;
    std::map<RandomId, PresencePeer> peers_;
    std::deque<PresenceChange> untold_; ///< Of other nodes.
    bool telling_ = false;              ///< Is a thread at it?
};

} // namespace chain::detail
