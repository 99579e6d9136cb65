// PresencePending: changes of a topic that were not broadcast yet.
#pragma once

#include <chain/detail/pattern_map.hpp>
#include <chain/presence_store.hpp>

#include <cstddef>

namespace chain::detail {

/// Joins and leaves in the order in which they were made. A join and a leave of the same ref cancel
/// out, unless somebody has been shown the join meanwhile.
class PresencePending {
  public:
    void add(const PresenceChange& change);
    /// What is here so far was shown to somebody.
    void shown() noexcept { shown_ = joins_.size(); }
    bool empty() const noexcept { return index_.empty() && leaves_.empty(); }
    PresenceEntries joins() const;
    const PresenceEntries& leaves() const noexcept { return leaves_; }

  private:
    PresenceEntries joins_; ///< Null where a join was cancelled.
    PresenceEntries leaves_;
    StringMap<std::size_t> index_; ///< Of `joins_`, by ref.
    std::size_t shown_ = 0;
};

} // namespace chain::detail
