// MembershipRoom: where a session has its first membership, so that most need no memory of their
// own.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

namespace chain::detail {

/// Room for one membership at a time; further ones are allocated. The lane's thread takes it; what
/// is given back may come from any.
class MembershipRoom {
  public:
    static constexpr std::size_t size = 88; ///< A membership's, which is not known here.

    MembershipRoom() = default;
    MembershipRoom(const MembershipRoom&) = delete;
    MembershipRoom& operator=(const MembershipRoom&) = delete;

    void* take() {
        return taken_.exchange(true, std::memory_order_acquire) ? ::operator new(size) : bytes_;
    }
    void give_back(void* memory) noexcept {
        if (memory == bytes_)
            taken_.store(false, std::memory_order_release);
        else
            ::operator delete(memory);
    }

  private:
    alignas(void*) std::byte bytes_[size];
    std::atomic<bool> taken_{false};
};

} // namespace chain::detail
