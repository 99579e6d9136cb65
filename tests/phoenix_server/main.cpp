// A server for tests with other people's clients: phoenix_server [port]
#include "realtime.hpp"

#include <chain/chain.hpp>
#include <chain/server.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using chain::Json, chain::Payload, chain::Reply, chain::Socket;

namespace {

chain::net::awaitable<void> pause(int ms) {
    chain::net::steady_timer timer(co_await chain::net::this_coro::executor,
                                   std::chrono::milliseconds(ms));
    co_await timer.async_wait(chain::net::use_awaitable);
}

/// `{"refuse": reason}`, `{"crash": true}`, `{"slow": ms}` and `{"bytes": true}` say how the join
/// goes.
chain::net::awaitable<Reply> join_room(Socket& socket, const Json& params) {
    if (params.contains("slow")) co_await pause(params.at("slow").get<int>());
    if (params.contains("refuse")) co_return Reply::error(params.at("refuse").get<std::string>());
    if (params.contains("crash")) throw std::runtime_error("asked to crash");
    if (params.contains("bytes")) co_return Reply::ok(Payload::from_bytes("\1\2\3\4"));
    co_return Reply::ok({{"topic", socket.topic()}, {"params", socket.params()}});
}

/// `room:*`: each event does what its name says.
chain::Channel room_channel(chain::Handler& handler) {
    chain::Channel room{"room:*"};
    room.on_join(join_room);
    room.on("echo", [](Socket&, const Payload& payload) { return Reply::ok(payload); });
    room.on("fail", [](Socket&, const Json& payload) { return Reply::error(payload); });
    room.on("status", [](Socket&, const Json& payload) {
        return Reply::with_status(payload.at("status").get<std::string>(), payload);
    });
    room.on("silent", [](Socket&) {});
    room.on("crash", [](Socket&) { throw std::runtime_error("asked to crash"); });
    room.on("stop", [](Socket& socket) {
        socket.leave();
        return Reply::ok();
    });
    room.on("say", [](Socket& socket, const Payload& payload) {
        socket.broadcast("said", payload);
        return Reply::ok();
    });
    room.on("tell", [](Socket& socket, const Payload& payload) {
        socket.broadcast_from("said", payload);
        return Reply::ok();
    });
    room.on("push back",
            [](Socket& socket, const Payload& payload) { socket.push("pushed", payload); });
    room.on("who", [](Socket& socket) { return Reply::ok(socket.session().get("who")); });
    room.on("disconnect", [&handler](Socket&, const Json& payload) {
        handler.disconnect(payload.at("name").get<std::string>());
    });
    return room;
}

/// The fetch hook of presences: everybody has a name.
Json with_names(std::string_view, Json presences) {
    for (auto& [key, presence] : presences.items()) presence["name"] = "The " + key;
    return presences;
}

/// `people:*`: those who join with `{"key", "meta"}` are tracked.
chain::Channel people_channel(chain::Presence presence) {
    chain::Channel people{"people:*"};
    people.on_join([presence](Socket& socket, const Json& params) mutable -> Reply {
        const auto ref =
            presence.track(socket, params.at("key").get<std::string>(), params.at("meta"));
        if (!ref) return Reply::error(ref.error().message());
        presence.push_state(socket);
        return Reply::ok();
    });
    people.on("update", [presence](Socket& socket, const Json& change) mutable {
        presence.update(socket, change.at("key").get<std::string>(), change.at("meta"));
    });
    people.on("untrack", [presence](Socket& socket, const Json& change) mutable {
        presence.untrack(socket, change.at("key").get<std::string>());
    });
    people.on("crash", [](Socket&) { throw std::runtime_error("asked to crash"); });
    return people;
}

/// `?refuse=STATUS` is not let in; others are known by their `user`.
std::optional<chain::Refusal> let_in(chain::Session& session, const chain::Request& request) {
    if (const auto status = request.param("refuse"))
        return chain::Refusal{.status = std::stoi(std::string(*status)), .body = "not now\n"};
    const auto user = std::string(request.param("user").value_or("nobody"));
    session.name(user);
    session.set("who", {{"user", user}, {"token", request.auth_token.value_or("none")}});
    return std::nullopt;
}

std::uint16_t port_of(const std::string& text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, port) != std::from_chars_result{end, std::errc{}})
        throw std::invalid_argument("'" + text + "' is not a port");
    return port;
}

} // namespace

int main(int argc, char** argv) try {
    chain::Handler handler{{.endpoint = "/socket"}};
    const chain::Presence presence{handler, {.fetch = with_names}};
    handler.add(room_channel(handler)).on_connect(let_in);
    handler.add(people_channel(presence)).add(realtime::channel(chain::Presence{handler}));

    chain::Server server{{.port = port_of(argc > 1 ? argv[1] : "0"),
                          .threads = 2,
                          .static_dir = PHOENIX_SERVER_PUBLIC_DIR}};
    server.mount(handler);
    server.listen();
    std::cout << "The tests' server is at http://localhost:" << server.port() << std::endl;
    server.run();
} catch (const std::exception& error) {
    std::cerr << "phoenix_server: " << error.what() << "\nusage: phoenix_server [port]\n";
    return 1;
}
