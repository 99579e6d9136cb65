// The chat inside a plain Beast server: mounted [port] [--lanes] [--tls certificate.pem key.pem]
#include "../chat/chat_channel.hpp"
#include "files.hpp"
#include "options.hpp"

#include <chain/beast.hpp>
#include <chain/tls.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <deque>
#include <iostream>
#include <thread>
#include <vector>

namespace net = boost::asio;
namespace http = boost::beast::http;
using net::ip::tcp;
constexpr auto no_throw = net::as_tuple(net::use_awaitable);

/// The requests of one connection. The lines between the marks are the chat's.
template <class Stream>
net::awaitable<void> serve(const chain::Handler& handler, Stream stream) {
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request<http::string_body> request;
        const auto [failed, size] = co_await http::async_read(stream, buffer, request, no_throw);
        if (failed) co_return;
        // chat begins
        if (handler.serves(request.target())) {
            const auto served = co_await chain::async_serve(handler, stream, buffer,
                                                            std::move(request), net::use_awaitable);
            if (served != chain::Served::keep_alive) co_return;
            continue;
        }
        // chat ends
        const auto response = file_response(request, MOUNTED_PUBLIC_DIR);
        const auto [broken, sent] = co_await http::async_write(stream, response, no_throw);
        if (broken || !response.keep_alive()) co_return;
    }
}

net::awaitable<void> serve_tls(const chain::Handler& handler, tcp::socket socket,
                               std::shared_ptr<net::ssl::context> context) {
    net::ssl::stream<tcp::socket> stream{std::move(socket), *context};
    const auto [failed] = co_await stream.async_handshake(stream.server, no_throw);
    if (!failed) co_await serve(handler, std::move(stream));
}

/// A strand for each connection.
net::awaitable<void> accept(const chain::Handler& handler, net::io_context& context,
                            tcp::acceptor& acceptor, std::shared_ptr<chain::Tls> tls) {
    net::steady_timer pause{context};
    for (;;) {
        auto [failed, socket] = co_await acceptor.async_accept(net::make_strand(context), no_throw);
        if (failed == net::error::operation_aborted) co_return;
        if (failed) { // mostly: no file descriptors are left
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(no_throw);
            continue;
        }
        const auto executor = socket.get_executor();
        net::co_spawn(executor,
                      tls ? serve_tls(handler, std::move(socket), tls->context())
                          : serve(handler, std::move(socket)),
                      net::detached);
    }
}

int main(int argc, char** argv) try {
    const auto options = read_options({argv + 1, argv + argc});
    net::io_context context;
    std::deque<net::io_context> lanes(options.lanes ? 2 : 0);
    chat::House house;
    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(chat::chat_channel(house));
    for (auto& lane : lanes) handler.use(lane);

    tcp::acceptor acceptor{context, {net::ip::address_v6::any(), options.port}};
    net::co_spawn(context, accept(handler, context, acceptor, options.tls), net::detached);
    std::vector<std::thread> threads;
    const auto run = [&](net::io_context& one) {
        threads.emplace_back([&one, work = net::make_work_guard(one)] { one.run(); });
    };
    for (auto& lane : lanes) run(lane);
    for (int i = 0; i < 3; ++i) run(context);
    net::io_context own;
    net::signal_set signals{own, SIGINT, SIGTERM};
    std::cout << "The chat is at http" << (options.tls ? "s" : "")
              << "://localhost:" << acceptor.local_endpoint().port() << std::endl;
    signals.async_wait([&](auto, int) {
        signals.clear(); // a second one ends the process at once
        handler.drain(std::chrono::seconds(10), [&] {
            context.stop();
            for (auto& lane : lanes) lane.stop();
        });
    });
    own.run();
    for (auto& thread : threads) thread.join();
} catch (const std::exception& error) {
    std::cerr << "mounted: " << error.what() << '\n';
    return 1;
}
