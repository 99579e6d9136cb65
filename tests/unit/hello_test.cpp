// The thinnest real path through the core, in memory.
#include "../support/catch.hpp"

#include <chain/chain.hpp>
#include <chain/testing/kit.hpp>

using chain::Json, chain::Reply, chain::Socket;

TEST_CASE("a client says hello to another through a channel handler") {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) { return Reply::ok({{"welcome", true}}); });
    room.on("hello", [](Socket& socket, const chain::Payload& payload) {
        socket.broadcast("hello", payload);
    });
    chain::Handler handler;
    handler.add(room);
    chain::testing::Kit kit{handler};
    auto ann = kit.connect();
    auto bob = kit.connect();

    ann.send(R"([0,1,1,"room:a","_join",{}])");
    bob.send(R"([0,1,1,"room:a","_join",{}])");
    CHECK(ann.receive() == R"([1,1,1,0,{"welcome":true}])");
    CHECK(bob.receive() == R"([1,1,1,0,{"welcome":true}])");
    ann.send(R"([0,1,2,"room:a","hello",{ "to": "bob" }])");

    CHECK(ann.receive() == R"([2,"room:a","hello",{"to":"bob"}])");
    CHECK(bob.receive() == R"([2,"room:a","hello",{"to":"bob"}])");
}
