// What the benchmarks of adapters share: CPU per message of an adapter over that of a bare program
// of the broker's client library. Rounds of the two alternate; medians.
#pragma once

#include <chain/adapter.hpp>
#include <chain/fwd.hpp>

#include <boost/asio/io_context.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Run {
    int port = 0;
    std::string mode;
    int messages = 200'000;
    int depth = 64;
    int rounds = 7;
    std::string topic = "/socket:c:room:bench";
    std::string frame = std::string(128, 'x');
};

/// Of all threads of this process.
inline double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// An adapter in an io_context that this thread runs.
template <class Adapter, class Config>
struct Node {
    explicit Node(const Config& config) : adapter(context.get_executor(), config) {
        adapter.start([this](std::string_view, std::string_view) {
            if (++received == target) context.stop();
        });
        while (!adapter.ready()) context.run_one();
    }
    ~Node() {
        adapter.stop();
        context.restart();
        context.poll();
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// So many messages will come, which `context.run()` receives then.
    void expect(int count) {
        target = received + count;
        context.restart();
    }

    chain::net::io_context context{1};
    Adapter adapter;
    std::atomic<int> received = 0; ///< On a thread of the client library's, perhaps.
    std::atomic<int> target = 0;
};

/// Another process that publishes `share` messages whenever it is told to: fewer than a stream
/// keeps, so that nothing is trimmed before a slow machine has read it.
class Publisher {
  public:
    Publisher(const Run& run, const std::function<void(const Run&)>& publish) : share_(run) {
        share_.messages = std::min(run.messages, share_of(run));
        if (::pipe(pipe_) != 0) throw std::runtime_error("pipe");
        child_ = ::fork();
        if (child_ != 0) return;
        ::close(pipe_[1]);
        char go = 0;
        while (::read(pipe_[0], &go, 1) == 1) publish(share_);
        ::_exit(0);
    }
    /// Has all messages published: after `expect` has been told how many come next, they do, and
    /// `receive` takes them.
    template <class Expect, class Receive>
    void publish(int messages, Expect expect, Receive receive) const {
        for (int done = 0; done < messages; done += share_.messages) {
            expect(share_.messages);
            if (::write(pipe_[1], "g", 1) != 1) throw std::runtime_error("write");
            receive(share_.messages);
        }
    }
    ~Publisher() {
        ::close(pipe_[1]);
        ::waitpid(child_, nullptr, 0);
        ::close(pipe_[0]);
    }
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    static int share_of(const Run& run) { return std::max(1, 6400 / run.depth) * run.depth; }

  private:
    Run share_;
    int pipe_[2]{};
    pid_t child_ = -1;
};

/// CPU of a node that publishes `depth` messages at a time, and then lets `settle` wait.
template <class Node, class Settle>
double publish(const Run& run, Settle settle) {
    Node node(run);
    const double start = cpu_seconds();
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        for (int i = 0; i < run.depth; ++i)
            if (node.adapter.publish(run.topic, run.frame))
                throw std::runtime_error("it was refused");
        settle(node);
    }
    return cpu_seconds() - start;
}

/// CPU of a node until all messages that another process publishes with `publish` are there.
template <class Node, class Publish>
double receive(const Run& run, Publish publish) {
    const Publisher publisher(run, publish);
    Node node(run);
    auto once = run;
    once.messages = once.depth = 1;
    node.adapter.subscribe(run.topic);
    while (node.received == 0) { // one that arrives says that the subscription is in effect
        publish(once);
        for (int i = 0; i < 20 && node.received == 0; ++i)
            node.context.run_one_for(std::chrono::milliseconds(5));
    }
    node.context.run_for(std::chrono::milliseconds(200));
    const double start = cpu_seconds();
    publisher.publish(
        run.messages, [&](int count) { node.expect(count); }, [&](int) { node.context.run(); });
    return cpu_seconds() - start;
}

/// <port> [mode] [messages] [depth] [rounds]
inline Run run_of(int count, char** words, const char* mode) {
    if (count < 2) {
        std::fprintf(stderr, "%s <port> [mode] [messages] [depth] [rounds]\n", words[0]);
        std::exit(2);
    }
    Run run;
    run.port = std::atoi(words[1]);
    run.mode = count > 2 ? words[2] : mode;
    if (count > 3) run.messages = std::atoi(words[3]);
    if (count > 4) run.depth = std::atoi(words[4]);
    if (count > 5) run.rounds = std::atoi(words[5]);
    const int share = Publisher::share_of(run);
    run.messages = std::max(1, run.messages / share) * share;
    return run;
}

inline double median(std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
    return values[values.size() / 2];
}

inline void compare(const Run& run, const char* what, double (*bare)(const Run&),
                    double (*adapter)(const Run&)) {
    std::vector<double> ratios;
    std::vector<double> bare_ns;
    std::vector<double> adapter_ns;
    for (int round = 0; round < run.rounds; ++round) {
        bare_ns.push_back(bare(run) * 1e9 / run.messages);
        adapter_ns.push_back(adapter(run) * 1e9 / run.messages);
        ratios.push_back(adapter_ns.back() / bare_ns.back());
    }
    std::printf("%-8s %-8s depth %4d: bare %6.0f ns, adapter %6.0f ns, ratio %.2f\n", what,
                run.mode.c_str(), run.depth, median(bare_ns), median(adapter_ns), median(ratios));
    std::fflush(stdout);
}

} // namespace bench
