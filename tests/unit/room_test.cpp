// Room that objects have within others: for a pending operation, for a session's first membership.
#include "../support/catch.hpp"

#include <chain/detail/membership_room.hpp>
#include <chain/detail/operation_room.hpp>

#include <cstdint>
#include <thread>

namespace {

bool within(const void* memory, const void* object, std::size_t size) {
    const auto at = reinterpret_cast<std::uintptr_t>(memory);
    const auto from = reinterpret_cast<std::uintptr_t>(object);
    return at >= from && at < from + size;
}

} // namespace

TEST_CASE("an operation that fits has room within its owner, a bigger one is allocated") {
    using Room = chain::detail::OperationRoom<16>;
    struct Fits {
        char bytes[16];
    };
    struct Bigger {
        char bytes[17];
    };
    Room room;
    chain::detail::RoomAllocator<Fits, Room> fits(room);
    const chain::detail::RoomAllocator<Bigger, Room> rebound(fits);
    auto bigger = rebound;
    CHECK(rebound == fits);
    auto* const first = fits.allocate(1);
    CHECK(within(first, &room, sizeof room));
    fits.deallocate(first, 1);
    auto* const other = bigger.allocate(1);
    CHECK_FALSE(within(other, &room, sizeof room));
    bigger.deallocate(other, 1);
    auto* const two = fits.allocate(2);
    CHECK_FALSE(within(two, &room, sizeof room));
    fits.deallocate(two, 2);
}

TEST_CASE("a session has room for one membership at a time, whichever thread gives it back") {
    chain::detail::MembershipRoom room;
    auto* const first = room.take();
    auto* const second = room.take();
    CHECK(within(first, &room, sizeof room));
    CHECK_FALSE(within(second, &room, sizeof room));
    std::thread([&] { room.give_back(first); }).join();
    auto* const third = room.take();
    CHECK(third == first);
    room.give_back(second);
    auto* const fourth = room.take();
    CHECK_FALSE(within(fourth, &room, sizeof room));
    room.give_back(fourth);
    room.give_back(third);
}
