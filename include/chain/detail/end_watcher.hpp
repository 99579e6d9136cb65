// EndWatcher: told when a membership ends.
#pragma once

namespace chain::detail {

class Membership;

class EndWatcher {
  public:
    virtual ~EndWatcher() = default;

    /// The membership has left its topic, and its leave handler has not run yet. On its lane.
    /// @param quietly  the lane is going: no user code may run on it
    virtual void ended(Membership& membership, bool quietly) noexcept = 0;
};

} // namespace chain::detail
