// Who is on this page: open http://localhost:8080 in two windows.
#include <chain/chain.hpp>
#include <chain/server.hpp>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

using chain::Json, chain::Presence, chain::Reply, chain::Socket;

namespace {

struct Visitor {
    std::string name;
};

/// Everybody has a colour of their own: a hue that their name gives. A server with a database would
/// look names and pictures up here, once for all that are asked for.
Json with_colours(std::string_view, Json presences) {
    for (auto& [name, presence] : presences.items())
        presence["hue"] = std::hash<std::string>{}(name) % 360;
    return presences;
}

chain::Channel page_channel(Presence presence) {
    chain::Channel page{"page:*"};

    page.on_join([presence](Socket& socket, const Json& params) mutable -> Reply {
        const auto name = params.value("name", "");
        if (name.find_first_not_of(' ') == name.npos) return Reply::error("a name is required");
        if (name.size() > 60) return Reply::error("that name is too long");

        const Json tab = {{"device", params.value("device", "").substr(0, 20)},
                          {"client", params.value("client", "").substr(0, 20)},
                          {"since", std::time(nullptr)},
                          {"away", false}};
        const auto ref = presence.track(socket, name, tab);
        if (!ref) return Reply::error(ref.error().message());
        socket.state<Visitor>().name = name;
        presence.push_state(socket); // who is here; from now on the differences come by themselves
        return Reply::ok();
    });
    page.on("away", [presence](Socket& socket, const Json& message) mutable {
        const bool away = message.value("away", false);
        presence.update(socket, socket.state<Visitor>().name, [away](Json tab) {
            tab["away"] = away;
            return tab;
        });
    });
    return page;
}

} // namespace

int main(int argc, char** argv) try {
    chain::Handler handler{{.endpoint = "/socket"}};
    Presence presence{handler, {.window = std::chrono::milliseconds(50), .fetch = with_colours}};
    handler.add(page_channel(presence));

    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::stoul(argv[1]) : 8080);
    chain::Server server{{.port = port, .static_dir = argc > 2 ? argv[2] : PRESENCE_PUBLIC_DIR}};
    server.mount(handler).listen();
    std::cout << "The page is at http://localhost:" << server.port() << std::endl;
    server.run(); // until SIGINT or SIGTERM, then drains
} catch (const std::exception& error) {
    std::cerr << "presence: " << error.what() << "\nusage: presence [port] [folder of the page]\n";
    return 1;
}
