// The service that is measured, built with chain: a room that passes payloads on or gives them
// back, and a topic whose members know of each other.
#pragma once

#include <chain/chain.hpp>
#include <chain/presence.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// What the command line says: a port, then `name=value`.
struct ServerOptions {
    std::uint16_t port = 8080;
    unsigned threads = 1;
    bool deflate = false;
    bool lanes = false;
    unsigned presence_window = 0; ///< Milliseconds.
    std::size_t topics_per_session = chain::Limits{}.topics_per_session;
    std::string certificate = {}, key = {};
};

inline unsigned number_from(std::string_view text) {
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument{"no number: " + std::string{text}};
    return number;
}

inline ServerOptions read_server_options(int argc, char** argv) {
    ServerOptions options;
    if (argc > 1) options.port = static_cast<std::uint16_t>(number_from(argv[1]));
    for (int i = 2; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const std::size_t equals = argument.find('=');
        const std::string_view name = argument.substr(0, equals);
        const std::string_view value = equals == argument.npos ? "" : argument.substr(equals + 1);
        if (name == "threads")
            options.threads = number_from(value);
        else if (name == "deflate")
            options.deflate = value == "1";
        else if (name == "lanes")
            options.lanes = value == "1";
        else if (name == "presence-window")
            options.presence_window = number_from(value);
        else if (name == "topics-per-session")
            options.topics_per_session = number_from(value);
        else if (name == "certificate")
            options.certificate = value;
        else if (name == "key")
            options.key = value;
        else
            throw std::invalid_argument{std::string{name} + " is unknown"};
    }
    return options;
}

inline chain::Channel room_channel() {
    using chain::Payload, chain::Reply, chain::Socket;
    chain::Channel room{"room:*"};
    room.on_join([](Socket&, const Payload&) { return Reply::ok(); });
    room.on("shout",
            [](Socket& socket, const Payload& message) { socket.broadcast("shout", message); });
    room.on("echo", [](Socket&, const Payload& message) { return Reply::ok(message); });
    return room;
}

/// The service. Nothing is logged: clients that all go at once leave much unsent.
inline chain::Handler make_handler(const ServerOptions& options) {
    using chain::Payload, chain::Presence, chain::Reply, chain::Socket;
    chain::Handler handler{{.endpoint = "/socket",
                            .limits = {.topics_per_session = options.topics_per_session},
                            .compression = {.enabled = options.deflate},
                            .observer = std::make_shared<chain::Observer>()}};
    Presence presence{handler, {.window = std::chrono::milliseconds{options.presence_window}}};
    chain::Channel people{"presence:*"};
    people.on_join([presence, next = 0](Socket& socket, const Payload&) mutable {
        static_cast<void>(presence.track(socket, "u" + std::to_string(next++)));
        presence.push_state(socket);
        return Reply::ok();
    });
    handler.add(room_channel());
    handler.add(people);
    return handler;
}

} // namespace bench
