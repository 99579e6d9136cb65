// What the compiler must refuse, line by line, and what it must say.
#include "serve.hpp"

#include <chain/chain.hpp>

// REFUSED: async_serve needs one that owns the socket
template void serve(const chain::Handler&, boost::asio::ssl::stream<Tcp&>&);

using chain::Json, chain::Socket;

struct Overloaded {
    void operator()(Socket&, const Json&) {}
    void operator()(Socket&, const chain::Payload&) {}
};

void set_up(chain::Channel& room, chain::Handler& handler) {
    // REFUSED: a handler needs exactly one call operator whose parameter types are written out
    room.on("x", [](Socket&, const auto&) {});
    // REFUSED: a handler needs exactly one call operator whose parameter types are written out
    room.on("x", Overloaded{});
    // REFUSED: a handler needs exactly one call operator whose parameter types are written out
    room.on_join([](auto&...) {});
    // REFUSED: a handler returns void, Reply, Json, or net::awaitable of one of these
    room.on("x", [](Socket&) { return 7; });
    // REFUSED: a handler returns void, Reply, Json, or net::awaitable of one of these
    room.on_leave([](Socket&, chain::LeaveReason) { return 1; });
    // REFUSED: a handler returns void, Reply, Json, or net::awaitable of one of these
    room.on("x", [](Socket&) -> boost::asio::awaitable<int> { co_return 1; });
    // REFUSED: (Socket&, payload) or (Socket&, payload, std::string_view event)
    room.on("x", [](Socket&, const Json&, std::string_view, int) {});
    // REFUSED: (Socket&, payload) or (Socket&, payload, std::string_view event)
    room.on("x", [](const Json&, Socket&) {});
    // REFUSED: an out handler returns std::optional<Json>
    room.on_out("x", [](Socket&, const Json& payload) { return payload; });
    // REFUSED: an out handler takes (Socket&, Json payload)
    room.on_out("x", [](Socket&) -> std::optional<Json> { return 1; });
    // REFUSED: a connect handler returns void, std::optional<Refusal>, or net::awaitable of either
    handler.on_connect([](chain::Session&, const chain::Request&) { return 7; });
}
