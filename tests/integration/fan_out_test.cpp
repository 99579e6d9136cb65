// Many messages to many clients, fast and slow ones.
#include "../support/catch.hpp"
#include "../support/rounds.hpp"
#include "support/readers.hpp"
#include "support/test_server.hpp"

using test::RawClient, test::Readers, test::TestServer;

namespace {

constexpr std::size_t outstanding = 64;

/// Like `room_channel`, but what is said is answered too, so that the sender can count.
chain::Channel answering_channel() {
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&, const chain::Json&) {});
    room.on("say", [](chain::Socket& socket, const chain::Payload& text) {
        socket.broadcast_from("say", text);
        return chain::Reply::ok();
    });
    return room;
}

/// Pushes the numbers 0, 1, 2 ... with at most `outstanding` of them unanswered.
/// @return how many answers came in the right order
std::size_t push_numbers(RawClient& client, std::size_t count) {
    std::size_t sent = 0;
    std::size_t answered = 0;
    while (answered < count) {
        std::string batch;
        for (; sent < count && sent - answered < outstanding; ++sent)
            batch += test::ws_text("[0,1," + std::to_string(sent + 2) + R"(,"room:a","say",)" +
                                   std::to_string(sent) + "]");
        client.send(batch);
        if (client.receive() != "[1,1," + std::to_string(answered + 2) + ",0,{}]") break;
        ++answered;
    }
    return answered;
}

/// Broadcasts to a topic, one of whose members does not read, until something waits for that one.
void make_wait(TestServer& server, RawClient& other, const std::string& topic) {
    const chain::Json kilobytes = std::string(16 * 1024, 'x');
    // The answer to a request tells that the broadcasts before it were sent.
    for (int ref = 2; server.unsent() == 0; ++ref) {
        REQUIRE(ref < 4096);
        REQUIRE_FALSE(server.handler.pubsub().broadcast(topic, "bulk", kilobytes));
        other.send_text("[0,1," + std::to_string(ref) + R"(,"room:fast","echo",null])");
        REQUIRE(other.read_frame());
    }
}

} // namespace

TEST_CASE(
    "10,000 messages of one client, 64 outstanding, reach 100 others exactly once, in order") {
    const auto threads = GENERATE(1U, 2U);
    TestServer server(answering_channel(), {}, {.port = 0, .threads = threads});
    server.start();
    auto sender = server.member("room:a");
    Readers readers(server.port(), 100, "room:a");

    constexpr auto messages = test::rounds(10'000);
    readers.start(messages);
    CHECK(push_numbers(sender, messages) == messages);
    CHECK(readers.finish() == "");
    CHECK(server.watch->dropped == 0);
    CHECK(server.unsent() == 0);
}

TEST_CASE("a client that never reads is closed with 1013, while the others lose nothing") {
    const auto threads = GENERATE(1U, 2U);
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 64 * 1024;
    config.timeouts.close = std::chrono::minutes(5);
    TestServer server(answering_channel(), config, {.port = 0, .threads = threads});
    server.start();
    RawClient slow(server.port(), 4096);
    REQUIRE(slow.upgrade().status == 101);
    slow.send_text(R"([0,1,1,"room:a","_join",{}])");
    slow.send_text(R"([0,2,2,"room:big","_join",{}])");
    REQUIRE(slow.receive() == "[1,1,1,0,{}]");
    REQUIRE(slow.receive() == "[1,2,2,0,{}]");
    auto sender = server.member("room:a");
    Readers readers(server.port(), 10, "room:a");
    readers.start(2'000);

    CHECK(push_numbers(sender, 1'000) == 1'000);
    const chain::Json kilobytes = std::string(16 * 1024, 'x');
    auto pubsub = server.handler.pubsub();
    auto& watch = *server.watch;
    // The kernel's buffers take some megabytes before the server's own grow.
    for (int i = 0; i < 4096 && server.handler.sessions() == 12; ++i)
        REQUIRE_FALSE(pubsub.broadcast("room:big", "bulk", kilobytes));
    CHECK(watch.signal.wait([&] { return watch.closed == 1; }));
    for (std::size_t i = 1'000; i < 2'000; ++i) {
        sender.send_text("[0,1," + std::to_string(i + 2) + R"(,"room:a","say",)" +
                         std::to_string(i) + "]");
        REQUIRE(sender.receive() == "[1,1," + std::to_string(i + 2) + ",0,{}]");
    }

    CHECK(readers.finish() == "");
    CHECK(watch.dropped > 0);
    CHECK(server.unsent() == 0);
    // What it was sent before is whole and in order; then comes the close.
    std::size_t next = 0;
    auto frame = slow.read_frame();
    for (; frame && frame->payload == R"([2,"room:a","say",)" + std::to_string(next) + "]"; ++next)
        frame = slow.read_frame();
    CHECK(next == 1'000);
    const auto bulk = R"([2,"room:big","bulk",)" + kilobytes.dump() + "]";
    while (frame && frame->is_text()) {
        const bool whole = frame->payload == bulk;
        REQUIRE(whole);
        frame = slow.read_frame();
    }
    REQUIRE(frame);
    CHECK(frame->close_code() == 1013);
}

TEST_CASE("a client that stops reading and then closes does not hold the server") {
    TestServer server(test::room_channel());
    server.start();
    auto slow = server.member("room:a");
    auto fast = server.member("room:fast");
    make_wait(server, fast, "room:a");

    slow.send(test::ws_close(1000));
    CHECK(server.watch->signal.wait([&] { return server.watch->closed == 1; }));
    fast.send_text(R"([0,1,2,"room:fast","echo","alive"])");
    CHECK(fast.receive() == R"([1,1,2,0,"alive"])");
    CHECK(slow.close_code() == 1000);
    CHECK(server.unsent() == 0);
}

TEST_CASE("what a vanished slow reader had waiting is accounted back to nothing") {
    TestServer server(test::room_channel());
    server.start();
    auto slow = server.member("room:a");
    auto fast = server.member("room:fast");
    make_wait(server, fast, "room:a");

    slow.reset();
    auto& watch = *server.watch;
    CHECK(watch.signal.wait([&] { return watch.closed == 1; }));
    CHECK(server.unsent() == 0);
    CHECK(server.handler.sessions() == 1);
}
