// How the server's end of a connection is set up, whoever has accepted it.
#include "../support/catch.hpp"
#include "support/mounted_server.hpp"
#include "support/test_server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

using test::Mount, test::MountedServer, test::RawClient, test::TestServer;

namespace {

/// The descriptor, in this process, whose peer is the client; -1 when there is none.
int other_end(const RawClient& client) {
    sockaddr_in6 own{}; // or an IPv4 one, with the port in the same place
    auto size = static_cast<socklen_t>(sizeof own);
    REQUIRE(::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in6 peer{};
        size = sizeof peer;
        const bool connected =
            ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && fd != client.fd();
        if (connected && peer.sin6_family != AF_UNIX && peer.sin6_port == own.sin6_port) return fd;
    }
    return -1;
}

void check_options(const RawClient& client) {
    const int fd = other_end(client);
    REQUIRE(fd >= 0);
    int no_delay = 0;
    auto size = static_cast<socklen_t>(sizeof no_delay);
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
    CHECK(no_delay == 1);
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

} // namespace

TEST_CASE("a server's connections do not delay what is small, before the upgrade and after it") {
    TestServer server(test::room_channel());
    server.start();
    RawClient client(server.port());
    CHECK(client.get("/nothing").status == 404);
    check_options(client);
    REQUIRE(client.upgrade().status == 101);
    client.send_text(R"([0,1,1,"room:a","_join",{}])");
    REQUIRE(client.receive() == "[1,1,1,0,{}]");
    check_options(client);
}

TEST_CASE("a mounted server's WebSockets do not delay what is small, moved to a lane or not") {
    const auto mount = GENERATE(Mount::one_thread, Mount::tcp_stream, Mount::declared);
    CAPTURE(test::to_string(mount));
    MountedServer server(mount, test::room_channel());
    check_options(server.member("room:a"));
}
