// Child processes that end with the test, whatever happens to it.
#pragma once

#include "../../integration/support/raw_client.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// Waits until `condition` holds, which is asked again and again. @return false when it does not
/// come about in time
template <class Condition>
bool eventually(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

/// A program that runs beside the test. It is killed when this is destroyed, and when the test
/// ends.
class Process {
  public:
    Process() = default;
    explicit Process(std::vector<std::string> words, const std::string& log = "/dev/null") {
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        id_ = ::fork();
        if (id_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, 1);
        ::dup2(out, 2);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    Process(Process&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
    Process& operator=(Process&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    ~Process() { kill(); }

    void signal(int number) const {
        if (id_ > 0) ::kill(id_, number);
    }
    /// Ends it at once, as a crash does.
    void kill() {
        if (id_ <= 0) return;
        signal(SIGKILL);
        ::waitpid(std::exchange(id_, -1), nullptr, 0);
    }
    bool runs() const { return id_ > 0 && ::waitpid(id_, nullptr, WNOHANG) == 0; }

  private:
    pid_t id_ = -1;
};

/// What a program writes to its standard output.
inline std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    if (!pipe) throw std::runtime_error("popen: " + command);
    std::string out;
    std::array<char, 4096> part{};
    while (const auto count = ::fread(part.data(), 1, part.size(), pipe.get()))
        out.append(part.data(), count);
    return out;
}

/// A folder that is removed with this.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "chain-test-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp: " + name);
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

/// A TCP port at which nobody listens now.
inline std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

inline bool listens(std::uint16_t port) {
    try {
        const RawClient probe(port);
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

} // namespace test
