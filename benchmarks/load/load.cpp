// The load generator: makes a server work, checks every message, and tells what it cost the server.
#include "options.hpp"
#include "process_stats.hpp"
#include "swarm.hpp"
#include "topics.hpp"
#include "works.hpp"

#include <cstdio>
#include <iostream>
#include <sstream>
#include <vector>

namespace bench {
namespace {

using namespace std::chrono_literals;

/// One flat JSON object, written member by member.
class JsonLine {
  public:
    template <typename T>
    JsonLine& add(std::string_view name, const T& value) {
        text_ << (empty_ ? "{" : ",") << '"' << name << "\":" << value;
        empty_ = false;
        return *this;
    }
    JsonLine& add_text(std::string_view name, std::string_view value) {
        return add(name, '"' + std::string{value} + '"');
    }
    std::string text() const { return text_.str() + "}"; }

  private:
    std::ostringstream text_;
    bool empty_ = true;
};

class Load {
  public:
    explicit Load(const LoadOptions& options)
        : options_{options}, pid_{static_cast<pid_t>(options.server_pid)}, swarm_{options} {}

    int run() {
        line_.add_text("work", options_.work).add_text("dialect", options_.dialect.name);
        line_.add("connections", options_.sessions()).add("window", options_.window);
        line_.add("size", options_.size).add("rooms", options_.rooms).add("deaf", options_.deaf);
        if (options_.work == "fan-out") fan_out();
        if (options_.work == "requests") requests();
        if (options_.work == "churn") churn();
        if (options_.work == "idle") idle();
        if (options_.work == "cycles") cycles();
        if (options_.work == "topics") topics();
        if (options_.work == "storm") storm();
        add_errors();
        std::cout << line_.text() << std::endl;
        return swarm_.errors().total() == 0 ? 0 : 1;
    }

  private:
    void fan_out() {
        FanOut work{options_, swarm_};
        swarm_.serve(work);
        swarm_.open(options_.sessions());
        publish(work);
    }

    void topics() {
        Topics work{options_, swarm_};
        swarm_.serve(work);
        swarm_.open(options_.sessions());
        work.join();
        publish(work);
    }

    template <typename Publishing>
    void publish(Publishing& work) {
        work.publish_until(options_.warm_up);
        measure([&] { work.publish_until(options_.warm_up + options_.messages); },
                [&] { return work.delivered(); });
        work.add_errors(swarm_.errors());
    }

    void requests() {
        Requests work{options_, swarm_};
        swarm_.serve(work);
        swarm_.open(options_.sessions());
        work.ask_until(options_.warm_up);
        measure([&] { work.ask_until(options_.warm_up + options_.messages); },
                [&] { return work.answered(); });
    }

    void churn() {
        Churn work{options_, swarm_};
        swarm_.serve(work);
        work.churn_until(options_.warm_up);
        measure([&] { work.churn_until(options_.warm_up + options_.messages); },
                [&] { return work.gone(); });
    }

    void storm() {
        Storm work{options_, swarm_};
        swarm_.serve(work);
        swarm_.open_without_joining(options_.sessions());
        measure([&] { work.run(); }, [&] { return swarm_.joined(); });
    }

    void idle() {
        Rest work{swarm_};
        swarm_.serve(work);
        const Memory before = steady_memory();
        swarm_.open(1);
        const Memory first = steady_memory();
        swarm_.open(options_.sessions());
        const Memory after = steady_memory();
        const double sessions = double(options_.sessions());
        line_.add("pss_anon_before", before.pss_anon).add("pss_anon_after", after.pss_anon);
        line_.add("rss_anon_before", before.rss_anon).add("rss_anon_after", after.rss_anon);
        line_.add("bytes_per_session",
                  (double(after.pss_anon) - double(before.pss_anon)) / sessions);
        line_.add("bytes_per_further_session",
                  (double(after.pss_anon) - double(first.pss_anon)) / (sessions - 1));
    }

    /// All come, go, and come again, ten times.
    void cycles() {
        static constexpr int times = 10;
        Rest work{swarm_};
        swarm_.serve(work);
        std::ostringstream each;
        std::vector<std::uint64_t> memory;
        for (int cycle = 0; cycle < times; ++cycle) {
            swarm_.open(options_.sessions());
            memory.push_back(steady_memory().pss_anon);
            each << (cycle == 0 ? "[" : ",") << memory.back();
            swarm_.drop_all();
            steady_memory();
        }
        line_.add("pss_anon_of_each", each.str() + "]");
        line_.add("last_over_first", double(memory.back()) / double(memory.front()));
    }

    /// What the server used for `work`, over how much `count` grew.
    template <typename Run, typename Count>
    void measure(Run run, Count count) {
        const std::uint64_t cpu_before = steady_cpu();
        const std::uint64_t before = count();
        const std::uint64_t reads_before = swarm_.reads();
        const auto start = Clock::now();
        run();
        const std::chrono::duration<double> wall = Clock::now() - start;
        const std::uint64_t reads = swarm_.reads() - reads_before;
        const std::uint64_t cpu = steady_cpu() - cpu_before; // also catches what comes too often
        const std::uint64_t done = count() - before;
        line_.add("operations", done).add("wall_s", wall.count());
        if (done == 0) return;
        line_.add("operations_per_read", double(done) / double(reads));
        if (options_.deflate) line_.add("inflated", swarm_.inflated());
        if (pid_ != 0) line_.add("cpu_ns", double(cpu) / double(done));
    }

    void add_errors() {
        const Errors& errors = swarm_.errors();
        line_.add("errors", errors.total()).add("lost", errors.lost);
        line_.add("duplicated", errors.duplicated).add("reordered", errors.reordered);
        line_.add("corrupt", errors.corrupt).add("unexpected", errors.unexpected);
        line_.add("closed", errors.closed);
    }

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
    Swarm swarm_;
    JsonLine line_;
};

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        const bench::LoadOptions options = bench::parse_load_options(argc, argv);
        bench::raise_file_limit(options.sessions() + 64);
        return bench::Load{options}.run();
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "load: %s\n%s", error.what(), bench::load_usage);
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}
