// MembershipIndex: a session's memberships by topic, for sessions in many topics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chain::detail {

class Membership;

/// A session's memberships by topic: sorted by hash, which says about where one is. A look-up among
/// a hundred reads a line of memory or two, and then the membership.
class MembershipIndex {
  public:
    /// With fewer topics a session does without.
    static constexpr std::size_t worthwhile = 8;

    void add(Membership& membership);
    void remove(const Membership& membership) noexcept;
    Membership* find(std::string_view topic) const noexcept;

  private:
    struct Slot {
        std::uint32_t hash;
        Membership* membership;
    };

    std::size_t first(std::uint32_t hash) const noexcept;

    std::vector<Slot> slots_;
};

} // namespace chain::detail
