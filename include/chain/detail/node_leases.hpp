// NodeLeases: which other nodes live.
#pragma once

#include <chain/detail/clock.hpp>
#include <chain/detail/random_id.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

namespace chain::detail {

/// Which other nodes live: those that were heard of within the lease. Leases do not run while it is
/// not shown that messages come through, as it is then the broker or this node that is silent, and
/// begin anew afterwards. Has no clock of its own. Not thread-safe.
class NodeLeases {
  public:
    using Time = Clock::Time;

    explicit NodeLeases(std::chrono::milliseconds lease) noexcept : lease_(lease) {}

    /// After so long a node shows again that it lives.
    std::chrono::milliseconds beat() const noexcept;
    /// Something of a node came. @return false when there are too many nodes
    bool heard(const RandomId& node, Time now);
    /// It is shown that messages come through now.
    void came_through(Time now) noexcept;
    /// Removes the nodes whose leases are over.
    std::vector<RandomId> expired(Time now);
    bool alive(const RandomId& node) const { return heard_.contains(node); }
    /// Has nothing of a node come for so long, or three beats if that is more, though messages come
    /// through?
    bool silent(const RandomId& node, std::chrono::milliseconds time, Time now) const;
    std::vector<RandomId> nodes() const;

    /// Nodes that are known at once; more are not heard.
    static constexpr std::size_t max_nodes = 4096;

  private:
    bool interrupted(Time now) const noexcept { return now - shown_ > 3 * beat(); }

    const std::chrono::milliseconds lease_;
    std::map<RandomId, Time> heard_; ///< Of each node, when it was heard last.
    Time shown_{};                   ///< When messages came through last.
    Time since_{};                   ///< Since when they do without interruption.
};

} // namespace chain::detail
