// Clients that never read among ones that do. CHAIN_SLOW_READERS="CLIENTS NEVER SECONDS" runs it
// with so many clients, of which so many never read, for so long, and prints figures.
#include "../support/catch.hpp"
#include "support/sse_client.hpp"
#include "support/test_server.hpp"

#include <chain/transports/sse.hpp>

#include <sys/epoll.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

using chain::Errc, chain::Json, chain::SlowPolicy;
using test::RawClient, test::TestServer;

namespace {

struct SlowRun {
    std::size_t clients = 26;
    std::size_t never = 6;
    std::size_t seconds = 0; ///< 0: until so many messages.
    std::size_t messages = 1200;
    std::size_t padding = 4000; ///< Bytes, so that the kernel's buffers are soon full.
    std::size_t window = 64;    ///< The publisher is at most so many messages ahead.
};

SlowRun slow_run() {
    SlowRun run;
    const char* text = std::getenv("CHAIN_SLOW_READERS");
    if (!text) return run;
    std::istringstream words(text);
    words >> run.clients >> run.never >> run.seconds;
    run.messages = SIZE_MAX;
    run.padding = 400;
    return run;
}

/// One topic for each policy, and the event that has it.
struct SlowTopic {
    std::string topic, event;
};
const std::array<SlowTopic, 3> slow_topics{
    {{"room:strict", "say"}, {"room:drop", "tick"}, {"room:newest", "last"}}};

chain::Channel lossy_channel() {
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&) {});
    room.when_slow("tick", SlowPolicy::drop_oldest());
    room.when_slow("last", SlowPolicy::conflate());
    return room;
}

RawClient slow_member(std::uint16_t port, const std::string& topic, int receive_buffer = 0) {
    RawClient client(port, receive_buffer);
    if (client.upgrade().status != 101) throw std::runtime_error("no upgrade");
    client.send_text(R"([0,1,1,")" + topic + R"(","_join",{}])");
    if (client.receive() != "[1,1,1,0,{}]") throw std::runtime_error("not joined");
    return client;
}

/// The number of a broadcast as `[2,"room:x","say",{"n":5,...}]`, or nothing.
std::optional<std::size_t> number_of(const std::string& frame) {
    const auto at = frame.find(R"({"n":)");
    if (!frame.starts_with("[2,") || at == std::string::npos) return std::nullopt;
    return std::strtoull(frame.c_str() + at + 5, nullptr, 10);
}

/// Clients that read all the time, on a thread of their own, and what the slowest of them has got.
class FastReaders {
  public:
    explicit FastReaders(std::uint16_t port, std::size_t count, std::size_t window)
        : reached_(window + 1), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t i = 0; i < count; ++i)
            readers_.push_back({slow_member(port, slow_topics[i % 3].topic)});
        for (std::size_t i = 0; i < count; ++i) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(poll_, EPOLL_CTL_ADD, readers_[i].client.fd(), &event);
        }
        thread_ = std::thread([this] { run(); });
    }
    ~FastReaders() {
        signal_.change([this] { stop_ = true; });
        thread_.join();
        ::close(poll_);
    }

    /// Waits until all have got `count` messages. @return false when that does not happen
    bool wait_for(std::size_t count) {
        return signal_.wait([&] { return slowest_ >= count || !wrong_.empty(); }) &&
               signal_.copy(wrong_).empty();
    }
    std::string wrong() const { return signal_.copy(wrong_); }

  private:
    struct FastReader {
        RawClient client;
        std::size_t got = 0;
    };

    void run() {
        while (!signal_.copy(stop_)) {
            epoll_event events[64];
            const int count = ::epoll_wait(poll_, events, 64, 50);
            const auto before = done_;
            for (int i = 0; i < count; ++i) read(readers_[events[i].data.u64]);
            if (done_ != before) signal_.change([this] { slowest_ = done_; });
        }
    }
    void read(FastReader& reader) {
        if (!reader.client.fill()) return fail("a stream ended");
        while (whole(reader.client.rest())) {
            const auto frame = reader.client.read_frame();
            if (frame->is_ping()) {
                reader.client.answer_ping(*frame);
            } else if (number_of(frame->payload) != reader.got) {
                return fail(frame->payload.substr(0, 60) + " instead of " +
                            std::to_string(reader.got));
            } else {
                auto& reached = reached_[reader.got++ % reached_.size()];
                if (++reached == readers_.size()) {
                    reached = 0;
                    ++done_;
                }
            }
        }
    }
    void fail(std::string why) {
        signal_.change([&] {
            if (wrong_.empty()) wrong_ = std::move(why);
        });
    }
    static bool whole(std::string_view bytes) {
        if (bytes.size() < 4) return false;
        const auto high = static_cast<unsigned char>(bytes[2]);
        const auto low = static_cast<unsigned char>(bytes[3]);
        const auto size = static_cast<unsigned char>(bytes[1]);
        return bytes.size() >= (size < 126 ? 2U + size : 4U + high * 256U + low);
    }

    std::vector<FastReader> readers_;
    std::vector<std::size_t> reached_; ///< By message, how many have got it.
    std::size_t done_ = 0;
    int poll_;
    std::thread thread_;
    test::Signal signal_; ///< Guards the next.
    std::size_t slowest_ = 0;
    std::string wrong_;
    bool stop_ = false;
};

/// What a client that did not read finds when it does at last.
struct Found {
    std::size_t got = 0;     ///< Messages.
    std::size_t dropped = 0; ///< As the notices say.
    std::optional<std::size_t> last;
    int close_code = 0;
    bool ordered = true; ///< Is each message the next, but for what a notice in between says?
};

Found read_at_last(RawClient& client, std::size_t messages, bool notices) {
    Found found;
    std::size_t next = 0;
    while (found.last != messages - 1) {
        const auto frame = client.read_frame();
        if (!frame) break;
        if (frame->is_close()) {
            found.close_code = frame->close_code();
            break;
        }
        if (frame->is_ping()) continue;
        if (const auto number = number_of(frame->payload)) {
            found.ordered &= notices ? *number == next : *number >= next;
            next = *number + 1;
            found.last = number;
            ++found.got;
        } else {
            const std::size_t dropped = Json::parse(frame->payload)[5]["dropped"];
            found.dropped += dropped;
            next += dropped;
        }
    }
    return found;
}

std::size_t resident_bytes() {
    std::size_t all = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * 4096;
}

/// Broadcasts a number to all topics, until the run is over. @return how many
std::size_t publish_numbers(TestServer& server, FastReaders& readers, const SlowRun& run,
                            std::size_t& most_unsent) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(run.seconds);
    std::size_t i = 0;
    for (; i < run.messages; ++i) {
        if (run.seconds > 0 && std::chrono::steady_clock::now() > end) break;
        if (i >= run.window && !readers.wait_for(i + 1 - run.window)) break;
        const Json message{{"n", i}, {"x", std::string(run.padding, 'x')}};
        for (const auto& to : slow_topics)
            static_cast<void>(server.handler.pubsub().broadcast(to.topic, to.event, message));
        most_unsent = std::max(most_unsent, server.unsent());
    }
    return i;
}

} // namespace

TEST_CASE("pain 4: clients that never read keep memory under the cap and get what their policy "
          "says; the others lose nothing") {
    const auto run = slow_run();
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 64 * 1024;
    config.limits.unsent_bytes = 2 << 20;
    config.timeouts.close = std::chrono::minutes(5);
    config.timeouts.idle = std::chrono::minutes(10); // who does not read answers no ping
    TestServer server(lossy_channel(), config);
    server.start();
    std::vector<RawClient> never;
    for (std::size_t i = 0; i < run.never; ++i)
        never.push_back(slow_member(server.port(), slow_topics[i % 3].topic, 4096));
    FastReaders readers(server.port(), run.clients - run.never, run.window);

    const auto before = resident_bytes();
    std::size_t most_unsent = 0;
    const auto sent = publish_numbers(server, readers, run, most_unsent);
    CHECK(readers.wait_for(sent));
    CHECK(readers.wrong() == "");
    CHECK(most_unsent <= config.limits.unsent_bytes);
    CHECK(most_unsent > 0);
    const auto after = resident_bytes();

    std::size_t closed = 0, dropped = 0, conflated = 0;
    for (std::size_t i = 0; i < never.size(); ++i) {
        INFO("never-reader " << i << " of " << sent << " messages");
        const auto found = read_at_last(never[i], sent, i % 3 != 2);
        CHECK(found.ordered);
        CHECK(found.got + found.dropped <= sent);
        if (i % 3 == 0) {
            CHECK(found.close_code == 1013);
            CHECK(found.dropped == 0);
            ++closed;
        } else {
            CHECK(found.last == sent - 1);
            if (i % 3 == 1) CHECK(found.got + found.dropped == sent);
            (i % 3 == 1 ? dropped : conflated) += sent - found.got;
        }
    }
    CHECK(dropped > 0);
    CHECK(conflated > 0);
    CHECK(server.watch->dropped >= dropped + conflated);
    if (run.seconds > 0)
        std::printf(
            "%zu clients, %zu never read, %zu messages to each topic: most unsent %zu bytes "
            "of %zu, resident %zu -> %zu KiB, closed %zu, dropped %zu, conflated %zu\n",
            run.clients, run.never, sent, most_unsent, config.limits.unsent_bytes, before / 1024,
            after / 1024, closed, dropped, conflated);
}

TEST_CASE("a slow event stream is told of each gap, and its ids stay consecutive") {
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 64 * 1024;
    TestServer server(lossy_channel(), config);
    server.handler.add(std::make_shared<chain::SseTransport>());
    server.start();
    test::SseBrowser browser(server.port());
    auto slow = browser.open("tab", "", "", 4096);
    REQUIRE(browser.say(R"([0,1,1,"room:drop","_join",{}])").status == 200);
    REQUIRE(slow.receive() == "[1,1,1,0,{}]");

    const std::string bytes(16 * 1024, 'x');
    std::size_t sent = 0;
    const auto tick = [&] {
        const Json message{{"n", sent++}, {"x", bytes}};
        REQUIRE_FALSE(server.handler.pubsub().broadcast("room:drop", "tick", message));
    };
    while (server.watch->dropped == 0 && sent < 4096) tick();
    REQUIRE(server.watch->dropped > 0);
    for (int i = 0; i < 20; ++i) tick();

    std::size_t next = 0;
    while (next < sent) {
        const auto data = slow.receive(); // which checks its id
        if (const auto number = number_of(data)) {
            REQUIRE(*number == next);
            ++next;
        } else {
            next += Json::parse(data)[5]["dropped"].get<std::size_t>();
        }
    }
    CHECK(next == sent);
    CHECK(server.watch->closed == 0);
}
