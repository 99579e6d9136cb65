// AwaySessions: the sessions of a handler that have no connection, oldest first.
#pragma once

#include <chain/detail/random_id.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

namespace chain::detail {

/// The sessions of a handler that wait for their clients, in the order in which they lost them; and
/// those that ended because their clients broke the rules. Thread-safe.
class AwaySessions {
  public:
    /// Adds a session. @return its place; and the oldest session when there are more than `limit`,
    /// which is forgotten here
    std::pair<std::uint64_t, std::optional<RandomId>> add(const RandomId& session,
                                                          std::size_t limit);
    void remove(std::uint64_t place) noexcept;
    std::size_t size() const noexcept;

    /// Remembers, for a while, that the client of this session broke the rules.
    void refuse(const RandomId& session);
    bool refused(const RandomId& session) const;

  private:
    static constexpr std::size_t refused_limit = 1000;

    mutable std::mutex mutex_;
    std::map<std::uint64_t, RandomId> away_;
    std::uint64_t next_ = 1;
    std::deque<RandomId> refused_;
};

} // namespace chain::detail
