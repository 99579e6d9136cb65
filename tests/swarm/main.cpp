// Hundreds of clients at one server, in one process. Prints figures; fails when something was lost.
//
//   chain_swarm chaos [SECONDS] [CLIENTS] [THREADS]  clients of all kinds, and trouble of all kinds
//   chain_swarm deploy [CLIENTS] [WINDOW_MS]         a drain and a restart under resuming clients
#include "guests.hpp"

#include <chain/chain.hpp>
#include <chain/detail/handler_core.hpp>
#include <chain/server.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

namespace swarm {

using chain::Json, chain::Reply, chain::Socket;
using namespace std::chrono_literals;

/// Numbers that came to the server other than one after the other.
std::atomic<unsigned long> out_of_order{0};
std::atomic<unsigned long> slow_readers{0};

class Quiet final : public chain::Observer {
    void frames_dropped(std::size_t, chain::error_code) override { ++slow_readers; }
};

chain::Channel room() {
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Json&) { return Reply::ok(); });
    room.on("say", [](Socket& socket, const Json& what) {
        auto& next = socket.state<int>();
        if (what.at("n") != next++) ++out_of_order;
        socket.broadcast("say", what);
        return Reply::ok();
    });
    return room;
}

/// Where handlers throw.
chain::Channel side() {
    chain::Channel side{"side:*"};
    side.on_join([](Socket&, const Json&) { return Reply::ok(); });
    side.on("throw", [](Socket&, const Json&) { throw std::runtime_error("on purpose"); });
    side.on("throw_other", [](Socket&, const Json&) { throw 7; });
    side.on("number", [](Socket&, const Json& what) { return Reply::ok(Json(what.get<int>())); });
    side.on_leave([](Socket&, chain::LeaveReason) { throw std::runtime_error("in leave"); });
    return side;
}

struct Node {
    Node(std::uint16_t port, chain::HandlerConfig config, unsigned threads = 2)
        : handler(quiet(std::move(config))),
          server(
              {.address = "127.0.0.1", .port = port, .threads = threads, .drain_deadline = 60s}) {
        handler.add(room()).add(side());
        server.mount(handler).listen().start();
    }
    static chain::HandlerConfig quiet(chain::HandlerConfig config) {
        config.observer = std::make_shared<Quiet>();
        return config;
    }
    chain::detail::HandlerCore& core() { return *chain::detail::HandlerAccess::core(handler); }

    chain::Handler handler;
    chain::Server server;
};

long resident_kilobytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    return 0;
}

std::string room_of(unsigned index) { return "room:" + std::to_string(index / 20); }

struct Swarm {
    std::vector<std::unique_ptr<Member>> members;
    std::vector<std::unique_ptr<PhoenixGuest>> guests;
    std::vector<std::unique_ptr<LazyGuest>> lazy;
    std::vector<std::unique_ptr<Vandal>> vandals;
    Tally tally;

    void turn() {
        const auto now = Clock::now();
        for (const auto& client : members) client->turn(now);
        for (const auto& client : guests) client->turn(now);
        for (const auto& client : lazy) client->turn(now);
        for (const auto& client : vandals) client->turn(now);
        std::this_thread::sleep_for(1ms);
    }
    /// @return false when it does not come about in time
    template <class Condition>
    bool turn_until(Condition condition, Clock::duration limit = 60s) {
        const auto end = Clock::now() + limit;
        while (!condition()) {
            if (Clock::now() > end) return false;
            turn();
        }
        return true;
    }
    bool all(bool (Member::*what)() const) const {
        return std::ranges::all_of(members, [&](const auto& m) { return ((*m).*what)(); });
    }
    /// Every member has heard the last of every other one in its room.
    bool all_heard() const {
        for (std::size_t i = 0; i < members.size(); ++i) {
            const auto first = i / 20 * 20;
            for (auto j = first; j < std::min(first + 20, members.size()); ++j) {
                const auto published = members[j]->published();
                if (published > 0 && members[i]->heard().last(members[j]->id()) != published - 1)
                    return false;
            }
        }
        return true;
    }
};

void add_members(Swarm& swarm, unsigned count, std::uint16_t port) {
    for (unsigned i = 0; i < count; ++i) {
        swarm.members.push_back(
            std::make_unique<Member>(static_cast<int>(i), room_of(i), port, swarm.tally));
        swarm.members.back()->prefer(i % 2 == 0 ? Carrier::websocket : Carrier::sse);
    }
}

void print(const Swarm& swarm) {
    const auto& t = swarm.tally;
    std::printf(
        "received %lu, lost %lu, twice or late %lu; cuts %lu, of them %lu before a session was "
        "told, resumed %lu, not resumed %lu, out of order at the server %lu; connected within %ld "
        "ms\n",
        t.received, t.lost, t.twice, t.cuts, t.cuts_early, t.resumed, t.not_resumed,
        out_of_order.load(),
        static_cast<long>(
            std::chrono::duration_cast<std::chrono::milliseconds>(t.slowest).count()));
    for (const auto& [why, count] : t.why)
        std::printf("  not resumed: %s %d\n", why.c_str(), count);
    std::map<std::string, int> stages;
    for (const auto& member : swarm.members)
        if (!member->settled()) ++stages[member->stage()];
    for (const auto& [stage, count] : stages) std::printf("  %d: %s\n", count, stage.c_str());
}

/// One piece of trouble, for somebody.
void trouble(Swarm& swarm, Random& random) {
    auto& member = *swarm.members[below(random, static_cast<unsigned>(swarm.members.size()))];
    switch (below(random, 8)) {
    case 0: member.misbehave(below(random, 4)); break;
    case 1: member.rest_until(Clock::now() + std::chrono::milliseconds(below(random, 1000))); break;
    case 2:
        member.prefer(below(random, 2) == 0 ? Carrier::websocket : Carrier::sse);
        [[fallthrough]];
    case 3: member.cut(random); break;
    case 4:
        swarm.guests[below(random, static_cast<unsigned>(swarm.guests.size()))]->cut(random);
        break;
    default: member.publish();
    }
}

chain::HandlerConfig tight() {
    chain::HandlerConfig config;
    config.limits.unsent_bytes_per_session = 256 << 10;
    config.limits.unsent_bytes = 16 << 20;
    config.limits.kept_bytes = 64 << 20;
    config.timeouts.resume_window = 60s;
    return config;
}

void add_all_kinds(Swarm& swarm, unsigned clients, std::uint16_t port) {
    const auto members = clients * 6 / 10;
    add_members(swarm, members, port);
    for (unsigned i = 0; i < clients / 5; ++i)
        swarm.guests.push_back(std::make_unique<PhoenixGuest>(i + 1, room_of(i % members), port,
                                                              i % 2 == 0, swarm.tally));
    for (unsigned i = 0; i < clients / 10; ++i) {
        swarm.lazy.push_back(std::make_unique<LazyGuest>(i + 1, room_of(i % members), port));
        swarm.vandals.push_back(std::make_unique<Vandal>(i + 1, port));
    }
}

/// The most that a handler held.
struct Peaks {
    std::size_t unsent = 0, kept = 0;
    long resident = 0;

    void look(chain::detail::HandlerCore& core, bool at_all) {
        unsent = std::max(unsent, core.unsent().load());
        kept = std::max(kept, core.kept().load());
        if (at_all) resident = std::max(resident, resident_kilobytes());
    }
    bool within(const chain::Limits& limits) const {
        // The session that goes over the limit is closed then, by what one turn has sent it.
        return unsent <= limits.unsent_bytes + limits.unsent_bytes_per_session &&
               kept <= limits.kept_bytes;
    }
};

bool conclude_chaos(const Swarm& swarm, Node& node, const Peaks& peaks, bool settled) {
    const auto& limits = node.handler.config().limits;
    print(swarm);
    std::printf("most unsent %zu KiB of %zu, most kept %zu KiB of %zu, resident %ld MiB; slow "
                "readers %lu\n",
                peaks.unsent >> 10, limits.unsent_bytes >> 10, peaks.kept >> 10,
                limits.kept_bytes >> 10, peaks.resident >> 10, slow_readers.load());
    node.server.stop();
    auto& core = node.core();
    const bool clean = node.handler.sessions() == 0 && core.unsent() == 0 && core.kept() == 0;
    const auto& t = swarm.tally;
    const bool good = settled && clean && peaks.within(limits) && t.lost == 0 && t.twice == 0 &&
                      t.not_resumed == 0 && out_of_order == 0 && t.resumed > 0;
    std::printf("%s: settled %d, nothing left %d, bounded %d\n", good ? "ok" : "FAILED", settled,
                clean, peaks.within(limits));
    return good;
}

int chaos(unsigned seconds, unsigned clients, unsigned threads) {
    Node node(0, tight(), threads);
    Swarm swarm;
    add_all_kinds(swarm, clients, node.server.port());
    if (!swarm.turn_until([&] { return swarm.all(&Member::joined); }))
        return std::puts("not all have joined"), 1;
    Random random(seconds + 1);
    Peaks peaks;
    const auto end = Clock::now() + std::chrono::seconds(seconds);
    for (unsigned long turns = 0; Clock::now() < end; ++turns) {
        for (unsigned i = 0; i < 1 + clients / 100; ++i) trouble(swarm, random);
        swarm.turn();
        peaks.look(node.core(), turns % 100 == 0);
    }
    const bool settled =
        swarm.turn_until([&] { return swarm.all(&Member::settled) && swarm.all_heard(); }, 180s);
    std::printf("%u clients of all kinds, %u s\n", clients, seconds);
    return conclude_chaos(swarm, node, peaks, settled) ? 0 : 1;
}

/// The most of these times within a second.
std::size_t most_per_second(std::vector<Clock::time_point> times) {
    std::ranges::sort(times);
    std::size_t most = 0, first = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
        while (times[i] - times[first] >= 1s) ++first;
        most = std::max(most, i - first + 1);
    }
    return most;
}

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

double span(const std::vector<Clock::time_point>& times) {
    const auto [first, last] = std::ranges::minmax(times);
    return seconds(last - first);
}

/// Lets one member of each room publish, until all have their replies.
bool publish_all(Swarm& swarm, int count) {
    std::vector<Member*> senders;
    for (std::size_t i = 0; i < swarm.members.size(); i += 20)
        senders.push_back(swarm.members[i].get());
    for (auto* sender : senders)
        for (int i = 0; i < count; ++i) sender->publish();
    const auto answered = [&](const Member* sender) { return sender->answered() >= count; };
    const bool all = swarm.turn_until([&] { return std::ranges::all_of(senders, answered); });
    std::printf("%d messages of each of %zu senders had an ok reply\n", count, senders.size());
    return all;
}

/// How the closes and the reconnects were spread.
void print_spread(const Tally& tally, double spread) {
    const auto closes = most_per_second(tally.closes), attempts = most_per_second(tally.attempts);
    std::printf("configured spread %.0f a second: closed within %.2f s, at most %zu in a second; "
                "back within %.2f s, at most %zu in a second, %zu tries; within 1.5 times: %d\n",
                spread, span(tally.closes), closes, span(tally.attempts), attempts,
                tally.attempts.size(),
                static_cast<double>(std::max(closes, attempts)) <= 1.5 * spread);
}

int deploy(unsigned clients, unsigned window) {
    chain::HandlerConfig config;
    config.drain = {.window = std::chrono::milliseconds(window), .per_second = 0};
    config.timeouts.restart = config.drain.window + 1500ms;
    auto node = std::make_unique<Node>(0, config);
    const auto port = node->server.port();
    Swarm swarm;
    add_members(swarm, clients, port);
    swarm.turn_until([&] { return swarm.all(&Member::joined); });
    std::printf("%u clients\n", clients);
    const bool answered = publish_all(swarm, 20);
    swarm.tally.attempts.clear();

    std::thread stopper([&] { node->server.stop(); });
    const bool heard = swarm.turn_until([&] { return swarm.all_heard(); });
    const bool closed = swarm.turn_until([&] { return swarm.tally.restarts == clients; });
    stopper.join();
    node.reset();
    node = std::make_unique<Node>(port, config);
    const bool back = swarm.turn_until([&] { return swarm.all(&Member::settled); });

    print(swarm);
    print_spread(swarm.tally, clients * 1000.0 / window);
    const auto unknown = static_cast<unsigned>(swarm.tally.why["unknown"]);
    const bool good = answered && heard && closed && back && unknown == clients &&
                      swarm.tally.lost == 0 && swarm.tally.twice == 0;
    std::printf("%s: all heard %d, told unknown %u, all back %d\n", good ? "ok" : "FAILED", heard,
                unknown, back);
    return good ? 0 : 1;
}

} // namespace swarm

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    const auto number = [&](int place, unsigned otherwise) {
        return argc > place ? static_cast<unsigned>(std::stoul(argv[place])) : otherwise;
    };
    if (mode == "chaos") return swarm::chaos(number(2, 60), number(3, 500), number(4, 2));
    if (mode == "deploy") return swarm::deploy(number(2, 500), number(3, 5000));
    std::puts(
        "usage: chain_swarm chaos [SECONDS] [CLIENTS] [THREADS] | deploy [CLIENTS] [WINDOW_MS]");
    return 2;
}
