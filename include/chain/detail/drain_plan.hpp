// DrainPlan: how many of a lane's connections are to be closed by when, so that clients come back
// spread over time.
#pragma once

#include <chain/config.hpp>
#include <chain/detail/random_id.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace chain::detail {

/// The time over which so many connections are closed.
std::chrono::milliseconds drain_window(const Drain& settings, std::size_t connections,
                                       std::chrono::milliseconds deadline) noexcept;
/// With what a client is told when to come back.
std::string retry_after(std::chrono::milliseconds delay);

/// Spreads a number of closes evenly over steps of the same length, in random order. Where the
/// steps do not divide, chance decides which gets one more, so that lanes which have few do not
/// close them all in the same step. Has no clock of its own.
class DrainPlan {
  public:
    /// @param steps  at least one is made
    DrainPlan(std::size_t count, std::int64_t steps, const RandomId& seed);

    /// Puts what is to be closed in its order.
    template <class T>
    void shuffle(std::vector<T>& all) {
        std::shuffle(all.begin(), all.end(), random_);
    }
    /// How many are to be closed, in all, when so many steps have passed.
    std::size_t due(std::int64_t passed) const noexcept;
    /// Is the last step reached by then?
    bool ended(std::int64_t passed) const noexcept { return passed + 1 >= steps_; }

  private:
    std::minstd_rand random_;
    std::size_t count_;
    std::int64_t steps_;
    double offset_;
};

} // namespace chain::detail
