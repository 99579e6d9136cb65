// The load generator: a fan-out to many subscribers, checked copy by copy, and what it cost the
// server.
#include "ledger.hpp"
#include "load_options.hpp"
#include "load_swarm.hpp"
#include "process_stats.hpp"

#include <cstdio>
#include <iostream>
#include <sstream>

namespace bench {
namespace {

using namespace std::chrono_literals;

/// The server's memory before any connection, with one session, and with all of them idle.
struct MemoryReport {
    Memory before, first, after;
};

struct CpuReport {
    std::uint64_t cpu_ns = 0; // of the server, all threads
    std::uint64_t deliveries = 0;
    std::uint64_t reads = 0;
    double wall_s = 0;
};

class Load {
  public:
    explicit Load(const LoadOptions& options)
        : options_{options}, pid_{static_cast<pid_t>(options.server_pid)},
          ledger_{options.window, options.size, options.sessions()}, swarm_{options, ledger_} {}

    MemoryReport join_all() {
        MemoryReport report;
        report.before = steady_memory();
        swarm_.open(1);
        report.first = steady_memory();
        swarm_.open(options_.sessions());
        report.after = steady_memory();
        return report;
    }

    CpuReport fan_out() {
        swarm_.publish_until(options_.warm_up);
        const std::uint64_t cpu_before = steady_cpu();
        const std::uint64_t delivered_before = ledger_.delivered();
        const std::uint64_t reads_before = swarm_.reads();
        const auto start = Clock::now();
        swarm_.publish_until(options_.warm_up + options_.messages);
        const std::chrono::duration<double> wall = Clock::now() - start;
        const std::uint64_t reads = swarm_.reads() - reads_before;
        const std::uint64_t cpu_after = steady_cpu(); // also catches copies that come too many
        return {cpu_after - cpu_before, ledger_.delivered() - delivered_before, reads,
                wall.count()};
    }

    Errors& errors() { return ledger_.errors(); }

  private:
    /// Reads once the server is at rest: the figures of a running thread lag behind by up to a
    /// tick.
    template <typename Read>
    auto steady(Read read, std::chrono::milliseconds pause) {
        auto last = read(pid_);
        for (int same = 0, tries = 0; same < 3 && tries < 100; ++tries) {
            swarm_.linger(pause);
            const auto now = read(pid_);
            same = now == last ? same + 1 : 0;
            last = now;
        }
        return last;
    }

    Memory steady_memory() { return pid_ == 0 ? Memory{} : steady(anonymous_memory, 100ms); }

    std::uint64_t steady_cpu() {
        swarm_.linger(20ms);
        return pid_ == 0 ? 0 : steady(cpu_ns, 5ms);
    }

    const LoadOptions& options_;
    pid_t pid_;
    Ledger ledger_;
    Swarm swarm_;
};

/// One flat JSON object, written member by member.
class JsonLine {
  public:
    template <typename T>
    JsonLine& add(std::string_view name, const T& value) {
        text_ << (empty_ ? "{" : ",") << '"' << name << "\":" << value;
        empty_ = false;
        return *this;
    }
    std::string text() const { return text_.str() + "}"; }

  private:
    std::ostringstream text_;
    bool empty_ = true;
};

std::string quoted(std::string_view text) { return '"' + std::string{text} + '"'; }

double per_session(std::uint64_t before, std::uint64_t after, std::uint64_t sessions) {
    return (double(after) - double(before)) / double(sessions);
}

void add_cpu(JsonLine& line, const LoadOptions& options, const CpuReport& report) {
    line.add("size", options.size).add("window", options.window).add("messages", options.messages);
    line.add("deliveries", report.deliveries).add("wall_s", report.wall_s);
    if (report.deliveries == 0) return;
    line.add("deliveries_per_read", double(report.deliveries) / double(report.reads));
    if (options.server_pid == 0) return;
    line.add("cpu_ns_per_delivery", double(report.cpu_ns) / double(report.deliveries));
}

void add_memory(JsonLine& line, std::uint64_t sessions, const MemoryReport& report) {
    line.add("rss_anon_before", report.before.rss_anon)
        .add("rss_anon_after", report.after.rss_anon);
    line.add("pss_anon_before", report.before.pss_anon)
        .add("pss_anon_after", report.after.pss_anon);
    const std::uint64_t after = report.after.pss_anon;
    line.add("bytes_per_session", per_session(report.before.pss_anon, after, sessions));
    if (sessions == 1) return;
    line.add("bytes_per_further_session", per_session(report.first.pss_anon, after, sessions - 1));
}

void add_errors(JsonLine& line, const Errors& errors) {
    line.add("errors", errors.total())
        .add("lost", errors.lost)
        .add("duplicated", errors.duplicated);
    line.add("reordered", errors.reordered).add("corrupt", errors.corrupt);
    line.add("unexpected", errors.unexpected).add("closed", errors.closed);
}

int run(const LoadOptions& options) {
    raise_file_limit(options.sessions() + 64);
    Load load{options};
    JsonLine line;
    line.add("dialect", quoted(options.dialect))
        .add("mode", quoted(options.idle ? "idle" : "fan-out"));
    line.add("sessions", options.sessions());
    const MemoryReport memory = load.join_all();
    if (!options.idle) add_cpu(line, options, load.fan_out());
    if (options.server_pid != 0) add_memory(line, options.sessions(), memory);
    add_errors(line, load.errors());
    std::cout << line.text() << std::endl;
    return load.errors().total() == 0 ? 0 : 1;
}

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        return bench::run(bench::parse_load_options(argc, argv));
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "load: %s\n%s", error.what(), bench::load_usage);
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}
