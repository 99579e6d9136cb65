// Handlers that the compiler must refuse, one per CASE; case 0 must compile.
#include <chain/chain.hpp>

using chain::Json, chain::Socket;

struct Overloaded {
    void operator()(Socket&, const Json&) {}
    void operator()(Socket&, const chain::Payload&) {}
};

void set_up(chain::Channel& room) {
#if CASE == 0
    room.on("x", [](Socket&, const Json&) {});
    room.on_out("x", [](Socket&, const Json&) -> std::optional<Json> { return 1; });
#elif CASE == 1
    room.on("x", [](Socket&, const auto&) {});
#elif CASE == 2
    room.on("x", Overloaded{});
#elif CASE == 3
    room.on("x", [](Socket&) { return 7; });
#elif CASE == 4
    room.on("x", [](Socket&, const Json&, std::string_view, int) {});
#elif CASE == 5
    room.on_out("x", [](Socket&, const Json& payload) { return payload; });
#elif CASE == 6
    room.on_out("x", [](Socket&) -> std::optional<Json> { return 1; });
#elif CASE == 7
    room.on_join([](auto&...) {});
#elif CASE == 8
    room.on_leave([](Socket&, chain::LeaveReason) { return 1; });
#elif CASE == 9
    room.on("x", [](Socket&) -> boost::asio::awaitable<int> { co_return 1; });
#elif CASE == 10
    chain::Handler().on_connect([](chain::Session&, const chain::Request&) { return 7; });
    static_cast<void>(room);
#endif
}
