// A chat with several rooms: open http://localhost:8080 in two windows.
#include "chat_channel.hpp"

#include <chain/server.hpp>

#include <charconv>
#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

std::uint16_t port_of(const std::string& text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, port) != std::from_chars_result{end, std::errc{}})
        throw std::invalid_argument("'" + text + "' is not a port (0 to 65535; 0 is any free one)");
    return port;
}

} // namespace

int main(int argc, char** argv) try {
    chat::House house;
    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(chat::chat_channel(house));

    chain::Server server{{.port = port_of(argc > 1 ? argv[1] : "8080"),
                          .static_dir = argc > 2 ? argv[2] : CHAT_PUBLIC_DIR}};
    server.mount(handler);
    server.listen();
    std::cout << "The chat is at http://localhost:" << server.port() << std::endl;
    server.run(); // until SIGINT or SIGTERM, then drains
} catch (const std::exception& error) {
    std::cerr << "chat: " << error.what() << "\nusage: chat [port] [folder of the page]\n";
    return 1;
}
