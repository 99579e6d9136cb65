// Sessions in many topics, against a naive model.
#include "../support/core.hpp"

#include <random>
#include <set>

using test::frame, test::Frames;

namespace {

std::string room_name(unsigned number) { return "room:" + std::to_string(number); }

/// What is answered to a push into the room.
std::string echo_of(bool joined) {
    return joined ? R"([1,1,2,0,7])" : R"([1,1,2,1,{"reason":"unmatched topic"}])";
}

} // namespace

TEST_CASE("a session in many topics finds each of them, whatever it joins and leaves") {
    static constexpr unsigned rooms = 60;
    chain::testing::Kit kit{test::handler_with({test::plain_room()})};
    auto client = kit.connect();
    std::mt19937 random(1);
    std::set<unsigned> joined;
    for (int step = 0; step < 600; ++step) {
        const auto room = static_cast<unsigned>(random() % rooms);
        const bool leaves = joined.contains(room) && random() % 2 == 0;
        client.send(frame(1, 1, room_name(room), leaves ? "_leave" : "_join"));
        leaves ? static_cast<void>(joined.erase(room)) : static_cast<void>(joined.insert(room));
        client.receive_all();
        const auto other = static_cast<unsigned>(random() % rooms);
        CAPTURE(step, room, other);
        REQUIRE(test::answers(client, frame(1, 2, room_name(other), "echo", "7")) ==
                Frames{echo_of(joined.contains(other))});
    }
    for (const auto room : joined) client.send(frame(1, 1, room_name(room), "_leave"));
    client.receive_all();
    for (unsigned room = 0; room < rooms; ++room)
        REQUIRE(test::answers(client, frame(1, 2, room_name(room), "echo", "7")) ==
                Frames{echo_of(false)});
}

TEST_CASE("a session in many topics hears all of them, and ends") {
    chain::testing::Kit kit{test::handler_with({test::plain_room()})};
    auto client = kit.connect();
    for (unsigned room = 0; room < 100; ++room) test::join(client, room_name(room));
    auto other = kit.connect();
    for (const unsigned room : {0U, 57U, 99U}) {
        test::join(other, room_name(room));
        other.send(frame(1, 2, room_name(room), "others", "7"));
        CHECK(client.receive_all() == Frames{"[2,\"" + room_name(room) + R"(","said",7])"});
    }
    auto session = client.session();
    session.close(1000);
    kit.run();
    CHECK(client.close_code() == 1000);
    CHECK(test::answers(other, frame(1, 2, room_name(99), "echo", "7")) == Frames{echo_of(true)});
}
