// What /proc tells about another process: time on a CPU, and anonymous memory.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

inline std::filesystem::path proc_path(pid_t pid) { return "/proc/" + std::to_string(pid); }

/// User and system time from `stat`, in clock ticks: the coarse figure of kernels without
/// schedstat.
inline std::uint64_t cpu_ticks_ns(const std::filesystem::path& task) {
    std::ifstream file{task / "stat"};
    file.ignore(std::numeric_limits<std::streamsize>::max(), ')'); // the name may hold spaces
    std::string skipped;
    for (int field = 3; field < 14; ++field) file >> skipped;
    std::uint64_t user = 0, system = 0;
    file >> user >> system;
    return (user + system) * (1'000'000'000 / sysconf(_SC_CLK_TCK));
}

/// Nanoseconds that all threads of the process have run, in user and kernel mode.
inline std::uint64_t cpu_ns(pid_t pid) {
    std::uint64_t total = 0;
    for (const auto& task : std::filesystem::directory_iterator{proc_path(pid) / "task"}) {
        std::uint64_t ran = 0;
        std::ifstream file{task.path() / "schedstat"};
        total += file >> ran ? ran : cpu_ticks_ns(task.path());
    }
    return total;
}

/// A "Name:  N kB" line of a /proc file, in bytes.
inline std::uint64_t memory_field(const std::filesystem::path& path, std::string_view name) {
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name)) return std::stoull(line.substr(name.size())) * 1024;
    }
    throw std::runtime_error{path.string() + " has no " + std::string{name}};
}

struct Memory {
    std::uint64_t rss_anon = 0; // a counter that may lag by some pages for each CPU
    std::uint64_t pss_anon = 0; // found by walking the pages
    bool operator==(const Memory&) const = default;
};

inline Memory anonymous_memory(pid_t pid) {
    return {memory_field(proc_path(pid) / "status", "RssAnon:"),
            memory_field(proc_path(pid) / "smaps_rollup", "Pss_Anon:")};
}

} // namespace bench
