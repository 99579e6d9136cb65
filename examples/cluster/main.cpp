// One node of a cluster: cluster PORT NAME BROKER, where the broker is redis://HOST:PORT or
// nats://HOST:PORT. `scripts/cluster` starts three of them, a broker and a proxy.
#include <chain/adapters/nats.hpp>
#include <chain/adapters/redis.hpp>
#include <chain/chain.hpp>
#include <chain/server.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

using chain::Json, chain::Reply, chain::Socket;

namespace {

constexpr auto room = "room:lobby";

struct Visitor {
    std::string name;
};

std::shared_ptr<chain::Adapter> adapter_for(const std::string& broker,
                                            const chain::net::any_io_executor& executor) {
    if (broker.starts_with("nats://")) {
        chain::NatsConfig config;
        config.servers = {broker};
        return std::make_shared<chain::NatsAdapter>(executor, config);
    }
    const std::string scheme = "redis://";
    const auto colon = broker.rfind(':');
    if (!broker.starts_with(scheme) || colon < scheme.size())
        throw std::invalid_argument("\"" + broker +
                                    "\" is not redis://HOST:PORT or nats://HOST:PORT");
    chain::RedisConfig config;
    config.server.host = broker.substr(scheme.size(), colon - scheme.size());
    config.server.port = static_cast<std::uint16_t>(std::stoul(broker.substr(colon + 1)));
    return std::make_shared<chain::RedisAdapter>(executor, config);
}

/// Whoever joins is told on which node that is; each message says which node it came from.
chain::Channel room_channel(const std::string& node) {
    chain::Channel channel{"room:*"};
    channel.on_join([node](Socket& socket, const Json& params) -> Reply {
        const auto name = params.value("name", "");
        if (name.empty() || name.size() > 60) return Reply::error("a name is required");
        socket.state<Visitor>().name = name;
        return Reply::ok({{"node", node}});
    });
    channel.on("say", [node](Socket& socket, const Json& message) -> Reply {
        const auto text = message.at("text").get<std::string>();
        if (text.empty() || text.size() > 500) return Reply::error("1 to 500 bytes, please");
        const auto& name = socket.state<Visitor>().name;
        socket.broadcast("say", {{"node", node}, {"from", name}, {"text", text}});
        return Reply::ok();
    });
    return channel;
}

/// What a node says by itself, each second: the pages count it.
class Heartbeat {
  public:
    Heartbeat(const chain::net::any_io_executor& executor, chain::PubSub pubsub, std::string node)
        : timer_(executor), pubsub_(std::move(pubsub)), node_(std::move(node)) {
        beat();
    }

  private:
    void beat() {
        pubsub_.broadcast(room, "beat", {{"node", node_}, {"number", ++number_}});
        timer_.expires_after(std::chrono::seconds(1));
        timer_.async_wait([this](chain::error_code cancelled) {
            if (!cancelled) beat();
        });
    }

    chain::net::steady_timer timer_;
    chain::PubSub pubsub_;
    std::string node_;
    int number_ = 0;
};

} // namespace

int main(int count, char** words) try {
    if (count != 4) throw std::invalid_argument("three arguments are needed");
    const std::string node = words[2];

    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(room_channel(node));

    const auto port = static_cast<std::uint16_t>(std::stoul(words[1]));
    chain::Server server{{.address = "127.0.0.1", .port = port, .static_dir = CLUSTER_PUBLIC_DIR}};
    handler.pubsub().attach(adapter_for(words[3], server.executor()));
    server.mount(handler).listen();
    std::cout << "Node " << node << " is at http://127.0.0.1:" << server.port() << std::endl;
    const Heartbeat heartbeat(server.executor(), handler.pubsub(), node);
    server.run(); // until SIGINT or SIGTERM, then drains
} catch (const std::exception& error) {
    std::cerr << "cluster: " << error.what() << "\nusage: cluster PORT NAME BROKER\n";
    return 1;
}
