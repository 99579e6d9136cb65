// The rows of the protocol that a broken or hostile client touches, over a real socket: each gets
// its answer, and the session's other topics go on.
#include "../support/catch.hpp"
#include "support/test_server.hpp"
#include "support/ws_client.hpp"

using test::TestServer, test::WsClient;
using namespace std::string_view_literals;

namespace {

/// A client in room:a (join reference 1) and room:b (2).
class Client {
  public:
    explicit Client(std::uint16_t port) : client_(port) {
        CHECK(ask(R"([0,1,1,"room:a","_join",{}])") == "[1,1,1,0,{}]");
        CHECK(ask(R"([0,2,2,"room:b","_join",{}])") == "[1,2,2,0,{}]");
    }
    std::string ask(std::string_view frame) {
        client_.send(frame);
        return client_.receive();
    }
    void send(std::string_view frame) { client_.send(frame); }
    std::string receive() { return client_.receive(); }
    /// The session's other topic still answers.
    void check_that_b_goes_on() {
        CHECK(ask(R"([0,2,90,"room:b","echo","still here"])") == R"([1,2,90,0,"still here"])");
        CHECK(ask(R"([0,2,91,"room:b","say","hi"])") == R"([2,"room:b","say","hi"])");
    }

  private:
    WsClient client_;
};

} // namespace

TEST_CASE("pitfall 2: a handler that throws ends that membership alone") {
    TestServer server(test::room_channel());
    server.start();
    Client client(server.port());
    Client other(server.port());

    CHECK(client.ask(R"([0,1,3,"room:a","throw",{}])") ==
          R"([1,1,3,1,{"reason":"internal error"}])");
    CHECK(client.receive() == R"([0,1,0,"room:a","_error",{}])");
    CHECK(client.ask(R"([0,1,4,"room:a","echo",1])") ==
          R"([1,1,4,1,{"reason":"unmatched topic"}])");
    client.check_that_b_goes_on();
    CHECK(other.receive() == R"([2,"room:b","say","hi"])");
    CHECK(other.ask(R"([0,1,3,"room:a","echo",1])") == "[1,1,3,0,1]");
    CHECK(client.ask(R"([0,5,5,"room:a","_join",{}])") == "[1,5,5,0,{}]");
    CHECK(server.watch->thrown() == std::vector<std::string>{"on purpose"});
}

TEST_CASE("pitfall 2: a payload of another shape than the handler wants is answered, not fatal") {
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&, const chain::Json&) {});
    room.on("name", [](chain::Socket&, const chain::Json& message) {
        return chain::Reply::ok(message.at("name").get<std::string>());
    });
    TestServer server(room);
    server.start();
    auto client = server.member("room:a");

    client.send_text(R"([0,1,2,"room:a","name",["an array"]])");
    CHECK(client.receive() == R"([1,1,2,1,{"reason":"bad payload"}])");
    client.send_text(R"([0,1,3,"room:a","name",{"name":"Ann"}])");
    CHECK(client.receive() == R"([1,1,3,0,"Ann"])");
}

TEST_CASE("pitfall 5: a topic with a trailing space is refused and breaks no other") {
    TestServer server(test::room_channel());
    server.start();
    Client client(server.port());

    CHECK(client.ask(R"([0,3,3,"room:b ","_join",{}])") ==
          R"([1,3,3,1,{"reason":"invalid topic"}])");
    CHECK(client.ask(R"([0,3,4,"room:b ","_leave",{}])") ==
          R"([1,3,4,1,{"reason":"invalid topic"}])");
    client.check_that_b_goes_on();
}

TEST_CASE("a wildcard join is refused in the protocol's words") {
    TestServer server(test::room_channel());
    server.start();
    Client client(server.port());

    CHECK(client.ask(R"([0,3,3,"room:*","_join",{}])") ==
          R"([1,3,3,1,{"reason":"joining topics with wildcard is not allowed"}])");
    client.check_that_b_goes_on();
}

TEST_CASE("pitfall 21: a stale leave does not end a newer join") {
    TestServer server(test::room_channel());
    server.start();
    Client client(server.port());

    client.send(R"([0,7,7,"room:a","_join",{}])");
    CHECK(client.receive() == R"([0,1,0,"room:a","_close",{}])");
    CHECK(client.receive() == "[1,7,7,0,{}]");
    client.send(R"([0,1,8,"room:a","_leave",{}])");
    client.send(R"([0,1,9,"room:a","echo","stale"])");
    CHECK(client.ask(R"([0,7,10,"room:a","echo","current"])") == R"([1,7,10,0,"current"])");
    client.check_that_b_goes_on();
    CHECK(client.ask(R"([0,7,11,"room:a","_leave",{}])") == "[1,7,11,0,{}]");
}

TEST_CASE("a refused join and unknown names are answered") {
    TestServer server(test::room_channel());
    server.start();
    Client client(server.port());

    CHECK(client.ask(R"([0,3,3,"room:c","_join",{"refuse":1}])") == R"([1,3,3,1,{"reason":"no"}])");
    CHECK(client.ask(R"([0,3,4,"nowhere","_join",{}])") ==
          R"([1,3,4,1,{"reason":"unmatched topic"}])");
    CHECK(client.ask(R"([0,1,5,"room:a","what",{}])") == R"([1,1,5,1,{"reason":"unknown event"}])");
    CHECK(client.ask(R"([0,1,6,"room:a","a,b",{}])") ==
          R"([1,1,6,1,{"reason":"commas are not allowed in event"}])");
    CHECK(client.ask(R"([0,0,7,"_chain","_heartbeat",null])") == "[1,0,7,0,null]");
    client.check_that_b_goes_on();
}

TEST_CASE("too many topics are refused, and those joined before go on") {
    chain::HandlerConfig config;
    config.limits.topics_per_session = 2;
    TestServer server(test::room_channel(), config);
    server.start();
    Client client(server.port());

    CHECK(client.ask(R"([0,3,3,"room:c","_join",{}])") ==
          R"([1,3,3,1,{"reason":"too many topics"}])");
    client.check_that_b_goes_on();
}

TEST_CASE("a message of exactly the limit passes, one byte more is closed with 1009") {
    chain::HandlerConfig config;
    config.limits.message_bytes = 4096;
    TestServer server(test::room_channel(), config);
    server.start();
    WsClient client(server.port());
    client.send(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(client.receive() == "[1,1,1,0,{}]");
    const std::string head = R"([0,1,2,"room:a","echo",")";
    const auto frame_of = [&](std::size_t size) {
        return head + std::string(size - head.size() - 2, 'x') + "\"]";
    };

    SECTION("in one frame") {
        client.send(frame_of(4096));
        CHECK(client.receive().size() == 4096 - head.size() - 2 + R"([1,1,2,0,""])"sv.size());
        client.send(frame_of(4097));
    }
    SECTION("in fragments") {
        client.send_in_pieces(frame_of(4096), 1000);
        CHECK(client.receive().size() == 4096 - head.size() - 2 + R"([1,1,2,0,""])"sv.size());
        client.send_in_pieces(frame_of(4097), 1000);
    }
    CHECK(client.close_code() == 1009);
    CHECK(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
}
