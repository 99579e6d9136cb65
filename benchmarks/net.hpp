// Thin owners of what the kernel gives: descriptors, an epoll set, sockets, the file limit.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace bench {

inline int check(int result, const char* what) {
    if (result < 0) throw std::system_error{errno, std::generic_category(), what};
    return result;
}

class Fd {
  public:
    explicit Fd(int fd = -1) : fd_{fd} {}
    Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }

  private:
    int fd_;
};

/// A level-triggered epoll set whose entries carry a pointer.
class Epoll {
  public:
    void add(int fd, void* owner, std::uint32_t events) {
        control(EPOLL_CTL_ADD, fd, owner, events);
    }
    void modify(int fd, void* owner, std::uint32_t events) {
        control(EPOLL_CTL_MOD, fd, owner, events);
    }
    std::span<epoll_event> wait(int timeout_ms) {
        const int count = epoll_wait(fd_.get(), events_.data(), int(events_.size()), timeout_ms);
        if (count < 0 && errno == EINTR) return {};
        return {events_.data(), static_cast<std::size_t>(check(count, "epoll_wait"))};
    }

  private:
    void control(int operation, int fd, void* owner, std::uint32_t events) {
        epoll_event event{.events = events, .data = {.ptr = owner}};
        check(epoll_ctl(fd_.get(), operation, fd, &event), "epoll_ctl");
    }

    Fd fd_{check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
    std::array<epoll_event, 1024> events_;
};

inline sockaddr_in ipv4_address(std::uint32_t host_order_address, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(host_order_address);
    return address;
}

inline void set_option(int fd, int level, int name, int value = 1) {
    check(setsockopt(fd, level, name, &value, sizeof value), "setsockopt");
}

inline Fd tcp_socket() {
    return Fd{check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
}

/// Raises the soft file limit to the hard one, and both to `wanted` where that is not enough.
inline void raise_file_limit(std::size_t wanted = 0) {
    rlimit limit{};
    check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    const rlim_t raised = limit.rlim_max < wanted ? wanted : limit.rlim_max;
    const rlimit change{raised, raised};
    if (setrlimit(RLIMIT_NOFILE, &change) == 0) return;
    throw std::runtime_error{"the file limit " + std::to_string(limit.rlim_max) +
                             " is too low: this needs " + std::to_string(wanted)};
}

} // namespace bench
