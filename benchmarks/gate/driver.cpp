// What the gate counts: one kind of work in this process, over connections that swallow what they
// are given, with virtual time and without a network. Two runs of different lengths, subtracted,
// leave the work alone: set-up and warm-up cancel out.
#include "../in_process.hpp"

#include <boost/version.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::uint64_t allocations = 0;

} // namespace

// Counted, and otherwise as usual.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

// Takes the place of OpenSSL's in this program: ids are the same in every run.
extern "C" int RAND_bytes(unsigned char* bytes, int count) {
    static std::uint64_t state = 1;
    for (int i = 0; i < count; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        bytes[i] = static_cast<unsigned char>(state >> 56U);
    }
    return 1;
}

namespace {

using bench::Clients, bench::push;

struct Counts {
    std::uint64_t operations = 0;  ///< What the instructions are divided by.
    std::uint64_t allocations = 0; ///< After the warm-up.
};

/// Runs `turn` so many times after some for warming up.
template <class Turn>
Counts repeat(std::uint64_t turns, std::uint64_t operations_per_turn, Turn turn) {
    static constexpr int warm_up = 8;
    for (int i = 0; i < warm_up; ++i) turn();
    const auto before = allocations;
    for (std::uint64_t i = 0; i < turns; ++i) turn();
    return {turns * operations_per_turn, allocations - before};
}

/// All sessions in `topics` topics; a turn brings `window` messages to each.
Counts fan_out(std::uint64_t turns, std::size_t topics, std::size_t window, std::string_view event,
               chain::Framing framing = chain::Framing::websocket) {
    static constexpr std::size_t subscribers = 1000;
    Clients clients{framing};
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < topics; ++i)
        frames.push_back(push("room:" + std::to_string(i), event));
    for (std::size_t s = 0; s < subscribers; ++s) {
        clients.connect();
        for (std::size_t i = 0; i < topics; ++i) clients.join(s, "room:" + std::to_string(i));
    }
    return repeat(turns, topics * window * subscribers, [&] {
        for (std::size_t i = 0; i < window; ++i)
            for (const auto& frame : frames) clients.send(0, frame);
        clients.turn();
    });
}

/// Each session is in four of `topics`, `step` of it apart, and no two neighbours are in the same.
template <class Steps>
Counts fan_out_mixed(std::uint64_t turns, std::size_t topics, Steps steps) {
    static constexpr std::size_t subscribers = 1000, window = 4;
    const auto topic = [=](std::size_t i) { return "room:" + std::to_string(i % topics); };
    Clients clients{chain::Framing::websocket};
    for (std::size_t s = 0; s < subscribers; ++s) {
        clients.connect();
        for (const std::size_t i : steps(s)) clients.join(s, topic(s + i));
    }
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < topics; ++i) frames.push_back(push(topic(i), "shout"));
    return repeat(turns, 4 * window * subscribers, [&] {
        for (std::size_t i = 0; i < window; ++i)
            for (std::size_t s = 0; s < topics; ++s) clients.send(s, frames[s]);
        clients.turn();
    });
}

/// Every eighth session is in the same four topics.
Counts fan_out_mixed(std::uint64_t turns) {
    return fan_out_mixed(turns, 8, [](std::size_t) {
        return std::array<std::size_t, 4>{0, 1, 3, 6};
    });
}

/// No two sessions are in the same four topics.
Counts fan_out_distinct(std::uint64_t turns) {
    return fan_out_mixed(turns, 16, [](std::size_t session) {
        const auto step = session / 16;
        return std::array<std::size_t, 4>{0, 1 + step % 5, 6 + step / 5 % 5, 11 + step / 25};
    });
}

Counts request_reply(std::uint64_t turns, std::size_t depth) {
    Clients clients{chain::Framing::websocket};
    clients.connect();
    clients.join(0, "room:1");
    const auto frame = push("room:1", "echo");
    return repeat(turns, depth, [&] {
        for (std::size_t i = 0; i < depth; ++i) clients.send(0, frame);
        clients.turn();
    });
}

/// Sessions that are connected already join one topic, and leave it again.
Counts join_leave(std::uint64_t turns) {
    static constexpr std::size_t sessions = 100;
    Clients clients{chain::Framing::websocket};
    for (std::size_t s = 0; s < sessions; ++s) clients.connect();
    return repeat(turns, sessions, [&] {
        for (std::size_t s = 0; s < sessions; ++s) clients.join(s, "room:1");
        for (std::size_t s = 0; s < sessions; ++s)
            clients.send(s, R"([0,1,3,"room:1","_leave",{}])");
        clients.turn();
    });
}

/// Sessions come, join the one topic, and stay.
Counts connect_join(std::uint64_t turns) {
    Clients clients{chain::Framing::websocket};
    return repeat(turns, 1, [&] { clients.join(clients.connect(), "room:1"); });
}

/// Sessions come, join the one topic, and are gone.
Counts connect_join_close(std::uint64_t turns) {
    Clients clients{chain::Framing::websocket};
    return repeat(turns, 1, [&] {
        clients.join(clients.connect(), "room:1");
        clients.disconnect();
    });
}

std::optional<Counts> run(std::string_view name, std::uint64_t turns) {
    if (name == "broadcast") return fan_out(turns, 1, 16, "shout");
    if (name == "broadcast_window_1") return fan_out(turns, 1, 1, "shout");
    if (name == "broadcast_from") return fan_out(turns, 1, 16, "others");
    if (name == "broadcast_4_topics") return fan_out(turns, 4, 4, "shout");
    if (name == "broadcast_mixed_topics") return fan_out_mixed(turns);
    if (name == "broadcast_distinct_topics") return fan_out_distinct(turns);
    if (name == "broadcast_sse") return fan_out(turns, 1, 16, "shout", chain::Framing::sse);
    if (name == "request_reply") return request_reply(turns, 1);
    if (name == "request_reply_16") return request_reply(turns, 16);
    if (name == "join_leave") return join_leave(turns);
    if (name == "connect_join") return connect_join(turns);
    if (name == "connect_join_close") return connect_join_close(turns);
    return std::nullopt;
}

} // namespace

int main(int argc, char** argv) try {
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "versions") {
        std::printf("gcc %d.%d.%d boost %d glibc %d.%d\n", __GNUC__, __GNUC_MINOR__,
                    __GNUC_PATCHLEVEL__, BOOST_VERSION, __GLIBC__, __GLIBC_MINOR__);
        return EXIT_SUCCESS;
    }
    const auto counts = run(name, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);
    if (!counts) {
        std::fprintf(stderr, "usage: chain_gate WORK TURNS, or chain_gate versions\n");
        return EXIT_FAILURE;
    }
    std::printf("%llu operations %llu allocations %llu bytes\n",
                static_cast<unsigned long long>(counts->operations),
                static_cast<unsigned long long>(counts->allocations),
                static_cast<unsigned long long>(bench::Sink::taken));
} catch (const std::exception& error) {
    std::fprintf(stderr, "chain_gate: %s\n", error.what());
    return EXIT_FAILURE;
}
