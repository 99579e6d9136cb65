// ExactAllocator: memory for operations that stay pending for long.
#pragma once

#include <cstddef>
#include <new>

namespace chain::detail {

/// Plain operator new. Asio's own allocator hands out recycled blocks, which may be far larger than
/// what is asked for: for an operation that stays pending as long as its connection is idle, that
/// would be memory lost.
template <class T>
class ExactAllocator {
  public:
    using value_type = T;

    ExactAllocator() = default;
    template <class U>
    ExactAllocator(const ExactAllocator<U>&) noexcept {}

    T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory); }
    template <class U>
    bool operator==(const ExactAllocator<U>&) const noexcept {
        return true;
    }
};

} // namespace chain::detail
