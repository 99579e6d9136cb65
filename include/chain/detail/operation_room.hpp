// OperationRoom: memory for a pending operation, within what waits for it.
#pragma once

#include <cstddef>
#include <new>

namespace chain::detail {

/// Room for one operation of Asio at a time. One that is bigger, as another version's may be, is
/// allocated.
template <std::size_t Size>
class OperationRoom {
  public:
    OperationRoom() = default;
    OperationRoom(const OperationRoom&) = delete;
    OperationRoom& operator=(const OperationRoom&) = delete;

    void* take(std::size_t size) { return size <= Size ? bytes_ : ::operator new(size); }
    void give_back(void* memory) noexcept {
        if (memory != bytes_) ::operator delete(memory);
    }

  private:
    alignas(void*) std::byte bytes_[Size];
};

/// Hands out a room, which must outlive the operation.
template <class T, class Room>
class RoomAllocator {
  public:
    using value_type = T;

    explicit RoomAllocator(Room& room) noexcept : room_(&room) {}
    template <class U>
    RoomAllocator(const RoomAllocator<U, Room>& other) noexcept : room_(other.room()) {}

    Room* room() const noexcept { return room_; }
    T* allocate(std::size_t count) {
        static_assert(alignof(T) <= alignof(void*));
        return static_cast<T*>(room_->take(count * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t) noexcept { room_->give_back(memory); }
    template <class U>
    bool operator==(const RoomAllocator<U, Room>& other) const noexcept {
        return room_ == other.room();
    }

  private:
    Room* room_;
};

} // namespace chain::detail
