// Prints what an idle joined session leaves on the heap of a server, by the sizes of its chunks:
// the difference between many sessions and more, over the number of those.
#include "load/dialect.hpp"
#include "net.hpp"
#include "servers/service.hpp"
#include "websocket.hpp"

#include <chain/server.hpp>

#include <malloc.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

/// How many chunks of each size live, in steps of 16 bytes; the last is for all that are bigger.
std::array<std::atomic<long>, 512> living{};

/// A chunk has a word of malloc's own before it.
void count(void* memory, long change) noexcept {
    if (!memory) return;
    const auto place = (malloc_usable_size(memory) + sizeof(std::size_t)) / 16;
    living[std::min(place, living.size() - 1)] += change;
}
void* counted(void* memory) noexcept {
    count(memory, 1);
    return memory;
}

} // namespace

// In place of the C library's own, which do the work.
extern "C" {
void* malloc(std::size_t size) noexcept { return counted(__libc_malloc(size)); }
void* calloc(std::size_t n, std::size_t size) noexcept { return counted(__libc_calloc(n, size)); }
void* realloc(void* memory, std::size_t size) noexcept {
    count(memory, -1);
    return counted(__libc_realloc(memory, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return counted(__libc_memalign(alignment, size));
}
void free(void* memory) noexcept {
    count(memory, -1);
    __libc_free(memory);
}
}

namespace {

using namespace bench;

void expect(int fd, std::string_view end) {
    std::string got;
    while (!got.ends_with(end)) {
        char byte = 0;
        if (recv(fd, &byte, 1, 0) != 1) throw std::runtime_error{"the server closed a connection"};
        got += byte;
    }
}

/// A session that has joined.
Fd join(std::uint16_t port) {
    Fd fd{check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    const sockaddr_in to = ipv4_address(0x7f000001, port);
    check(connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
    std::string text = "GET /socket/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    check(static_cast<int>(send(fd.get(), text.data(), text.size(), 0)), "send");
    expect(fd.get(), "\r\n\r\n");
    text.clear();
    append_client_frame(text, Opcode::text, dialects[0].join("room:0"), 1);
    check(static_cast<int>(send(fd.get(), text.data(), text.size(), 0)), "send");
    expect(fd.get(), "]");
    return fd;
}

std::array<long, living.size()> snapshot() {
    std::array<long, living.size()> now;
    for (std::size_t i = 0; i < now.size(); ++i) now[i] = living[i];
    return now;
}

void print(const std::array<long, living.size()>& before,
           const std::array<long, living.size()>& after, double sessions) {
    double all = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const double each = static_cast<double>(after[i] - before[i]) / sessions;
        if (std::abs(each) < 0.005) continue;
        std::printf("chunks of %4zu B, for each session %8.3f\n", 16 * i, each);
        all += each * 16 * static_cast<double>(i);
    }
    std::printf("in all, without what grows in steps %6.0f\n", all);
}

} // namespace

int main() try {
    static constexpr std::size_t some = 600, more = 2048;
    raise_file_limit(2 * (some + more) + 64);
    chain::Server server{{.port = 0, .threads = 1}};
    server.mount(make_handler({}));
    server.listen();
    server.start();
    std::vector<Fd> clients;
    clients.reserve(some + more);
    while (clients.size() < some) clients.push_back(join(server.port()));
    const auto before = snapshot();
    while (clients.size() < some + more) clients.push_back(join(server.port()));
    const auto after = snapshot();
    print(before, after, more);
    clients.clear();
    server.stop();
} catch (const std::exception& error) {
    std::fprintf(stderr, "heap: %s\n", error.what());
    return EXIT_FAILURE;
}
