// The server that the fan-out benchmark measures: one thread, and one channel that passes payloads
// on.
#include <chain/chain.hpp>
#include <chain/server.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>

using chain::Payload, chain::Reply, chain::Socket;

int main(int argc, char** argv) try {
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 8080);

    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Payload&) { return Reply::ok(); });
    room.on("shout",
            [](Socket& socket, const Payload& message) { socket.broadcast("shout", message); });
    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(room);

    chain::Server server{{.port = port, .threads = 1}};
    server.mount(handler);
    std::cout << "listening on " << port << std::endl;
    server.run();
} catch (const std::exception& error) {
    std::cerr << "chain_bench_server: " << error.what() << '\n';
    return EXIT_FAILURE;
}
