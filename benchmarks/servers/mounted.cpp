// The service mounted in a Beast server of one thread: a strand for each connection, or, with
// `lanes=1`, its io_context declared as a lane.
#include "service.hpp"

#include <chain/beast.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using net::ip::tcp;
constexpr auto no_throw = net::as_tuple(net::use_awaitable);

net::awaitable<void> serve(chain::Handler handler, tcp::socket socket) {
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request<http::string_body> request;
        const auto [failed, size] = co_await http::async_read(socket, buffer, request, no_throw);
        if (failed || !handler.serves(request.target())) co_return;
        const auto served = co_await chain::async_serve(handler, socket, buffer, std::move(request),
                                                        net::use_awaitable);
        if (served != chain::Served::keep_alive) co_return;
    }
}

net::awaitable<void> accept(chain::Handler handler, net::io_context& context,
                            tcp::acceptor& acceptor) {
    for (;;) {
        auto [failed, socket] = co_await acceptor.async_accept(net::make_strand(context), no_throw);
        if (failed) continue;
        const auto executor = socket.get_executor();
        net::co_spawn(executor, serve(handler, std::move(socket)), net::detached);
    }
}

} // namespace

int main(int argc, char** argv) try {
    const auto options = bench::read_server_options(argc, argv);
    net::io_context context{1};
    auto handler = bench::make_handler(options);
    if (options.lanes) handler.use(context);
    tcp::acceptor acceptor{context, {net::ip::address_v4::loopback(), options.port}};
    net::co_spawn(context, accept(handler, context, acceptor), net::detached);
    std::cout << "listening on " << options.port << std::endl;
    context.run();
} catch (const std::exception& error) {
    std::cerr << "mounted_server: " << error.what() << '\n';
    return EXIT_FAILURE;
}
