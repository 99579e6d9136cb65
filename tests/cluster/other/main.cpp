// A node in a process of its own: other <redis port> <pubsub|streams> <number>. It broadcasts 0, 1,
// 2, … as `n` in room:a, and what it hears as `n` again as `echo`, until it is killed.
#include <chain/adapters/redis.hpp>
#include <chain/chain.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

using chain::Json, chain::Payload;

int main(int count, char** words) {
    if (count != 4) return 2;
    chain::RedisConfig config;
    config.server.port = static_cast<std::uint16_t>(std::atoi(words[1]));
    config.mode = std::string_view(words[2]) == "streams" ? chain::RedisMode::streams
                                                          : chain::RedisMode::pubsub;
    const int number = std::atoi(words[3]);

    chain::net::io_context context;
    chain::Handler handler;
    auto pubsub = handler.pubsub();
    pubsub.attach(std::make_shared<chain::RedisAdapter>(context.get_executor(), config));
    const auto echoes = pubsub.subscribe("ask", [&](std::string_view, const Payload& payload) {
        pubsub.broadcast("room:a", "echo", payload);
    });
    chain::net::steady_timer timer(context);
    int next = 0;
    std::function<void()> tick = [&] {
        if (pubsub.ready() && !pubsub.broadcast("room:a", "n", {number, next})) ++next;
        timer.expires_after(std::chrono::milliseconds(2));
        timer.async_wait([&](boost::system::error_code) { tick(); });
    };
    tick();
    context.run();
}
