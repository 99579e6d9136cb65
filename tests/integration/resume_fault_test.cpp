// A scripted conversation is cut at every frame, in every way; both sides end as if nothing had
// happened.
#include "support/resuming_client.hpp"
#include "support/test_server.hpp"

#include "support/catch.hpp"

#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <map>
#include <string>
#include <vector>

using chain::Json, chain::Reply, chain::Socket;
using test::Carrier, test::Fault, test::ResumingClient, test::TestServer;

namespace {

/// What each room was told, in order.
struct Log {
    test::Signal signal;
    std::map<std::string, std::vector<int>> said;

    void add(const std::string& room, int number) {
        signal.change([&] { said[room].push_back(number); });
    }
};

/// `say` is answered and broadcast, and two pushes follow.
chain::Channel room(Log& log) {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) { return Reply::ok(); });
    room.on("say", [&log](Socket& socket, const Json& number) {
        log.add(socket.topic(), number.get<int>());
        socket.broadcast("said", number);
        socket.push("first", number);
        socket.push("second", number);
        return Reply::ok(number);
    });
    return room;
}

constexpr int messages = 6;

/// Joins, and says numbers, two at a time. @return what came back
std::vector<std::string> converse(ResumingClient& client, const std::string& topic) {
    std::vector<std::string> heard;
    const auto say = [&](const std::string& event, int number) {
        client.send("[0,1," + std::to_string(number + 2) + ",\"" + topic + "\",\"" + event + "\"," +
                    std::to_string(number) + "]");
    };
    say("_join", -1);
    heard.push_back(client.receive());
    for (int number = 0; number < messages; number += 2) {
        say("say", number);
        say("say", number + 1);
        for (int i = 0; i < 8; ++i) heard.push_back(client.receive());
    }
    return heard;
}

/// What is heard when nothing fails.
std::vector<std::string> expected(const std::string& topic) {
    std::vector<std::string> heard{"[1,1,1,0,{}]"};
    for (int number = 0; number < messages; ++number) {
        const auto text = std::to_string(number);
        heard.push_back("[2,\"" + topic + "\",\"said\"," + text + "]");
        heard.push_back("[0,1,0,\"" + topic + "\",\"first\"," + text + "]");
        heard.push_back("[0,1,0,\"" + topic + "\",\"second\"," + text + "]");
        heard.push_back("[1,1," + std::to_string(number + 2) + ",0," + text + "]");
    }
    return heard;
}

std::string name_of(Carrier carrier) { return carrier == Carrier::sse ? "SSE" : "WebSocket"; }

} // namespace

TEST_CASE("pitfall 17: cut at any frame, in any way, on any transport and between them, a "
          "conversation loses, repeats and reorders nothing in either direction") {
    const auto first = GENERATE(Carrier::websocket, Carrier::sse);
    const auto then = GENERATE(Carrier::websocket, Carrier::sse);
    const auto fault = GENERATE(Fault::cut, Fault::reset, Fault::half_sent, Fault::unanswered,
                                Fault::half_open, Fault::twice);
    Log log;
    TestServer server(room(log), {}, {.port = 0, .threads = 2});
    server.handler.add(std::make_shared<chain::WebSocketTransport>());
    server.handler.add(std::make_shared<chain::SseTransport>());
    server.start();
    INFO(name_of(first) << ", then " << name_of(then) << ", fault " << static_cast<int>(fault));
    const std::vector<int> said{0, 1, 2, 3, 4, 5};
    int runs = 0;
    for (int frame = 1;; ++frame) {
        INFO("cut at frame " << frame);
        const auto topic = "room:" + std::to_string(frame);
        ResumingClient client(server.port(), first, then);
        client.fail_at(frame, fault);
        REQUIRE(converse(client, topic) == expected(topic));
        REQUIRE(log.signal.copy(log.said)[topic] == said);
        ++runs;
        if (frame > client.frames()) break; // this one ran to its end without a fault
        REQUIRE(client.resumes() == 1);
    }
    CHECK(runs == 1 + 1 + 1 + messages + 4 * messages);
    CHECK(server.watch->joined_count == static_cast<std::size_t>(runs));
    CHECK(server.watch->left_count == 0);
    CHECK(server.watch->thrown().empty());
}

TEST_CASE(
    "a client that is cut again and again, changing its transport each time, misses nothing") {
    Log log;
    TestServer server(room(log), {}, {.port = 0, .threads = 2});
    server.handler.add(std::make_shared<chain::WebSocketTransport>());
    server.handler.add(std::make_shared<chain::SseTransport>());
    server.start();
    for (int run = 0; run < 2; ++run) {
        const auto one = run == 0 ? Carrier::websocket : Carrier::sse;
        const auto two = run == 0 ? Carrier::sse : Carrier::websocket;
        const auto topic = "room:again" + std::to_string(run);
        ResumingClient client(server.port(), one, two);
        std::vector<std::string> heard;
        client.send("[0,1,1,\"" + topic + "\",\"_join\",-1]");
        heard.push_back(client.receive());
        for (int number = 0; number < messages; ++number) {
            client.send("[0,1," + std::to_string(number + 2) + ",\"" + topic + "\",\"say\"," +
                        std::to_string(number) + "]");
            for (int i = 0; i < 4; ++i) {
                client.change_carrier();
                client.reconnect(i % 2 == 0);
                heard.push_back(client.receive());
            }
        }
        CHECK(heard == expected(topic));
        CHECK(log.signal.copy(log.said)[topic] == std::vector<int>{0, 1, 2, 3, 4, 5});
        CHECK(client.resumes() == 4 * messages);
    }
}
