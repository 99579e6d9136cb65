// What the compiler must refuse, one per CASE; cases 0 and 12 must compile.
#include <chain/chain.hpp>

#if CASE >= 11
#include <chain/beast.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

using Tcp = boost::asio::ip::tcp::socket;

template <class Stream>
void serve(const chain::Handler& handler, Stream& stream) {
    boost::beast::flat_buffer buffer;
    boost::beast::http::request<boost::beast::http::string_body> request;
    chain::async_serve(handler, stream, buffer, std::move(request), [](chain::Served) {});
}
template void serve(const chain::Handler&, boost::asio::ssl::stream<Tcp>&);
#if CASE == 11
template void serve(const chain::Handler&, boost::asio::ssl::stream<Tcp&>&);
#endif
#endif

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
#else
    static_cast<void>(room);
#endif
}
