// Two clients, one real server: the thinnest real path.
#include "../support/catch.hpp"
#include "support/test_server.hpp"
#include "support/ws_client.hpp"

using test::TestServer, test::WsClient;

TEST_CASE("hello gets from one WebSocket client to another") {
    TestServer server(test::room_channel());
    server.start();
    WsClient ann(server.port());
    WsClient bob(server.port());
    REQUIRE(ann.status() == 101);

    ann.send(R"([0,1,1,"room:a","_join",{}])");
    bob.send(R"([0,1,1,"room:a","_join",{}])");
    CHECK(ann.receive() == "[1,1,1,0,{}]");
    CHECK(bob.receive() == "[1,1,1,0,{}]");
    ann.send(R"([0,1,2,"room:a","say",{ "to": "bob" }])");

    CHECK(ann.receive() == R"([2,"room:a","say",{"to":"bob"}])");
    CHECK(bob.receive() == R"([2,"room:a","say",{"to":"bob"}])");
}

TEST_CASE("a client's close ends its session, and the leave handler tells the others") {
    auto room = test::room_channel();
    room.on_leave([](chain::Socket& socket, chain::LeaveReason) { socket.broadcast("left"); });
    TestServer server(room);
    server.start();
    WsClient ann(server.port());
    WsClient bob(server.port());
    for (auto* client : {&ann, &bob}) {
        client->send(R"([0,1,1,"room:a","_join",{}])");
        REQUIRE(client->receive() == "[1,1,1,0,{}]");
    }

    SECTION("with the closing handshake") {
        bob.close(1000);
        CHECK(ann.receive() == R"([2,"room:a","left",null])");
    }
    SECTION("by a broken connection") {
        bob.drop();
        CHECK(ann.receive() == R"([2,"room:a","left",null])");
    }
    CHECK(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
    CHECK(server.handler.sessions() == 1);
}
