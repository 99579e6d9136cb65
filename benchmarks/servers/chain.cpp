// The service built with chain: one channel that passes payloads on, or gives them back.
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
    room.on("echo", [](Socket&, const Payload& message) { return Reply::ok(message); });
    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(room);

    const auto threads = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 1);
    chain::Server server{{.port = port, .threads = threads}};
    server.mount(handler);
    std::cout << "listening on " << port << std::endl;
    server.run();
} catch (const std::exception& error) {
    std::cerr << "chain_server: " << error.what() << '\n';
    return EXIT_FAILURE;
}
