// Several threads: one order of broadcasts for all, and handles that outlive what they stand for.
#include "../support/catch.hpp"
#include "support/test_server.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <atomic>
#include <barrier>
#include <functional>
#include <future>
#include <set>
#include <thread>

using chain::Json, chain::Payload, chain::Reply, chain::Socket;
using test::RawClient, test::TestServer;

namespace {

chain::ServerConfig two_threads() { return {.port = 0, .threads = 2}; }

/// How many sessions each of the server's threads has.
std::vector<std::size_t> load(const TestServer& server) {
    std::vector<std::size_t> sessions;
    for (const auto& lane : chain::detail::HandlerAccess::core(server.handler)->lanes())
        sessions.push_back(lane->sessions());
    return sessions;
}

/// Keeps the sockets of a topic's members for the test's own threads.
class Kept {
  public:
    void add(const Socket& socket) {
        const std::lock_guard lock(mutex_);
        sockets_.push_back(socket);
    }
    std::vector<Socket> all() {
        const std::lock_guard lock(mutex_);
        return sockets_;
    }

  private:
    std::mutex mutex_;
    std::vector<Socket> sockets_;
};

} // namespace

TEST_CASE(
    "pitfall 12: all subscribers on two threads see several publishers' broadcasts in one order") {
    constexpr int each = 1'000;
    constexpr int publishers = 3;
    auto room = test::room_channel();
    TestServer server(room, {}, two_threads());
    server.start();
    std::vector<RawClient> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(server.member("room:a"));
    REQUIRE(load(server) == std::vector<std::size_t>{4, 4});

    constexpr std::size_t total = (publishers + 2) * each;
    std::vector<std::vector<std::string>> seen(clients.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < clients.size(); ++i) {
        threads.emplace_back([&, i] {
            while (seen[i].size() < total) seen[i].push_back(clients[i].receive());
        });
    }
    std::barrier ready(publishers + 2);
    for (int p = 0; p < publishers; ++p) {
        threads.emplace_back([&, p] {
            ready.arrive_and_wait();
            for (int i = 0; i < each; ++i)
                static_cast<void>(room.broadcast("room:a", "app" + std::to_string(p), i));
        });
    }
    // One client on each thread publishes too, from its lane.
    for (std::size_t i = 0; i < 2; ++i) {
        threads.emplace_back([&, i] {
            ready.arrive_and_wait();
            for (int n = 0; n < each; ++n)
                clients[i].send_text("[0,1,9,\"room:a\",\"say\",[" + std::to_string(i) + "," +
                                     std::to_string(n) + "]]");
        });
    }
    for (auto& thread : threads) thread.join();

    for (const auto& frames : seen) CHECK((frames == seen.front()));
    CHECK(std::set<std::string>(seen[0].begin(), seen[0].end()).size() == total);
    // And the order of each publisher is its own.
    std::array<int, publishers + 2> next{};
    for (const auto& frame : seen.front()) {
        const auto message = Json::parse(frame);
        const auto event = message[2].get<std::string>();
        const bool by_client = event == "say";
        const auto who = by_client ? publishers + message[3][0].get<int>() : event[3] - '0';
        REQUIRE((by_client ? message[3][1] : message[3]) == next[static_cast<std::size_t>(who)]++);
    }
}

TEST_CASE("pushes and broadcasts of one thread reach a client in the order of the calls") {
    auto room = test::room_channel();
    Kept kept;
    room.on("keep", [&](Socket& socket, const Json&) {
        kept.add(socket);
        return Reply::ok();
    });
    TestServer server(room, {}, two_threads());
    server.start();
    auto client = server.member("room:a");
    auto other = server.member("room:a");
    client.send_text(R"([0,1,2,"room:a","keep",{}])");
    REQUIRE(client.receive() == "[1,1,2,0,{}]");
    auto socket = kept.all().front();

    for (int i = 0; i < 1'000; ++i) {
        REQUIRE_FALSE(socket.push("push", i));
        REQUIRE_FALSE(socket.broadcast("cast", i));
    }
    for (int i = 0; i < 1'000; ++i) {
        REQUIRE(client.receive() == "[0,1,0,\"room:a\",\"push\"," + std::to_string(i) + "]");
        REQUIRE(client.receive() == "[2,\"room:a\",\"cast\"," + std::to_string(i) + "]");
        REQUIRE(other.receive() == "[2,\"room:a\",\"cast\"," + std::to_string(i) + "]");
    }
}

TEST_CASE("a server with living sessions may go while other threads still send") {
    Kept kept;
    const bool with_drain = GENERATE(false, true);
    for (int round = 0; round < 5; ++round) {
        chain::Channel channel{"keep:*"};
        channel.on_join([&](Socket& socket, const Json&) { kept.add(socket); });
        channel.on("say",
                   [](Socket& socket, const Payload& text) { socket.broadcast("say", text); });
        TestServer server(channel, {}, two_threads());
        server.start();
        std::vector<RawClient> clients;
        for (int i = 0; i < 6; ++i) clients.push_back(server.member("keep:a"));
        std::atomic<bool> stop{false};
        std::atomic<int> running{0};
        const auto sockets = kept.all();
        const auto send = [&, pubsub = server.handler.pubsub()]() mutable {
            ++running;
            for (int i = 0; !stop; ++i) {
                static_cast<void>(channel.broadcast("keep:a", "app", i));
                static_cast<void>(pubsub.broadcast("keep:a", "app", i));
                for (auto socket : sockets) {
                    static_cast<void>(socket.push("push", i));
                    static_cast<void>(socket.broadcast_from("cast", i));
                    socket.session().stop_scheduled_shutdown();
                    static_cast<void>(server.handler.session(socket.id()));
                }
            }
        };
        std::thread first(send);
        std::thread second(send);
        for (auto& client : clients) client.send_text(R"([0,1,2,"keep:a","say","hi"])");
        while (running < 2) std::this_thread::yield();
        if (with_drain) server.stop();
        server.destroy();
        stop = true;
        first.join();
        second.join();
        CHECK(server.handler.sessions() == 0);
        for (auto socket : kept.all()) {
            CHECK(socket.push("late", 1));
            CHECK(socket.status() == chain::SocketStatus::removed);
            CHECK(socket.topic() == "keep:a");
        }
    }
}

TEST_CASE("pitfall 1: a socket that is kept after its client has left reaches nobody else") {
    chain::Channel room{"room:*"};
    Kept kept;
    room.on_join([&](Socket& socket, const Json&) { kept.add(socket); });
    TestServer server(room);
    server.start();
    auto alice = server.member("room:a");
    auto late = kept.all().front();
    alice.send_text(R"([0,1,2,"room:a","_leave",{}])");
    REQUIRE(alice.receive() == "[1,1,2,0,{}]");
    auto bob = server.member("room:b");
    alice.close();
    REQUIRE(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
    auto carol = server.member("room:a");

    for (int i = 0; i < 200; ++i) CHECK(late.push("secret", i) == chain::Errc::not_joined);
    CHECK(late.broadcast("secret", 1) == chain::Errc::not_joined);
    CHECK(late.topic() == "room:a");
    for (auto* client : {&bob, &carol}) {
        client->send_text(R"([0,0,5,"_chain","_heartbeat",null])");
        CHECK(client->receive() == "[1,0,5,0,null]");
    }
}

TEST_CASE("pitfall 4: a leave handler may use everything, for no lock is held while it runs") {
    chain::Channel room{"room:*"};
    std::optional<chain::Handler> handler;
    std::atomic<int> done{0};
    room.on_join([](Socket&, const Json&) {});
    room.on_leave([&](Socket& socket, chain::LeaveReason) {
        auto session = socket.session();
        static_cast<void>(session.socket("room:b"));
        static_cast<void>(session.socket(socket.topic()));
        static_cast<void>(handler->session(session.id()));
        static_cast<void>(handler->sessions());
        static_cast<void>(handler->pubsub().publish("news", 1));
        for (int i = 0; i < 100; ++i) static_cast<void>(socket.broadcast("left", i));
        session.close();
        ++done;
    });
    {
        TestServer server(room, {}, two_threads());
        handler = server.handler;
        server.start();
        auto first = server.member("room:a");
        auto second = server.member("room:a");
        auto third = server.member("room:a");

        first.send_text(R"([0,1,2,"room:a","_leave",{}])");
        CHECK(first.receive() == "[1,1,2,0,{}]");
        CHECK(first.close_code() == 1000);
        second.close();
        for (int i = 0; i < 200; ++i) CHECK(third.receive().starts_with(R"([2,"room:a","left",)"));
        CHECK(server.watch->signal.wait([&] { return server.watch->closed == 2; }));
        CHECK(done == 2);
    }
    handler.reset();
}

TEST_CASE("handler and server may go in either order") {
    auto server = std::make_optional<chain::Server>(chain::ServerConfig{.port = 0, .threads = 2});
    auto handler = std::make_optional<chain::Handler>();
    auto room = test::room_channel();
    handler->add(room);
    server->mount(*handler).listen().start();
    const auto join = [&](const std::string& topic) {
        auto client = test::open_socket(server->port());
        client.send_text(R"([0,1,1,")" + topic + R"(","_join",{}])");
        CHECK(client.receive() == "[1,1,1,0,{}]");
        return client;
    };
    auto client = join("room:a");

    SECTION("the handler first: the server keeps it alive") {
        handler.reset();
        client.send_text(R"([0,1,2,"room:a","echo",1])");
        CHECK(client.receive() == "[1,1,2,0,1]");
        auto second = join("room:b");
        server.reset();
        CHECK(second.close_code() >= 1001);
    }
    SECTION("the server first: the handler is left without sessions") {
        server.reset();
        CHECK(handler->sessions() == 0);
        CHECK_FALSE(handler->pubsub().broadcast("room:a", "to nobody"));
        // And may be served again.
        server.emplace(chain::ServerConfig{.port = 0, .threads = 1});
        server->mount(*handler).listen().start();
        auto second = join("room:a");
        CHECK_FALSE(room.broadcast("room:a", "again"));
        CHECK(second.receive() == R"([2,"room:a","again",null])");
        server.reset();
        handler.reset();
    }
    CHECK_FALSE(room.broadcast("room:a", "x"));
}

TEST_CASE("clients that wait at a busy server are let in together, not one in each of its turns") {
    constexpr std::size_t count = 60;
    std::size_t turns = 0; // of the server's thread, until all have their sessions
    std::function<void()> turn;
    std::promise<void> begin, all;
    TestServer server(test::room_channel());
    server.start();
    turn = [&] {
        if (server.handler.sessions() == count) return all.set_value();
        ++turns;
        chain::net::post(server.executor(), turn);
    };
    chain::net::post(server.executor(), [&] {
        begin.get_future().wait();
        turn();
    });
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < count; ++i)
        clients.emplace_back(server.port()).send(RawClient::handshake("/socket/websocket"));
    begin.set_value();
    REQUIRE(all.get_future().wait_for(test::patience) == std::future_status::ready);
    CHECK(turns < count);
}

TEST_CASE("clients that come and go on two threads leave no session behind") {
    TestServer server(test::room_channel(), {}, two_threads());
    server.start();
    constexpr std::size_t rounds = 50;
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < rounds; ++i) {
                auto client = server.member("room:" + std::to_string(i % 3));
                client.send_text("[0,1,2,\"room:" + std::to_string(i % 3) + "\",\"say\",1]");
                if (i % 4 == 0)
                    client.reset();
                else if (i % 4 == 1)
                    client.send(test::ws_close(1000));
                else if (i % 4 == 2)
                    client.send("garbage");
                else if (client.receive().empty())
                    ++failures;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(failures == 0);
    auto& watch = *server.watch;
    CHECK(watch.signal.wait([&] { return watch.closed == 4 * rounds; }));
    CHECK(server.handler.sessions() == 0);
    CHECK(server.unsent() == 0);
}
