// Counters that clients watch and change: an application of the library, which tries its channel
// and ends.
#include <chain/chain.hpp>
#include <chain/server.hpp>
#include <chain/testing/kit.hpp>
#include <chain/version.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

using chain::Json, chain::Reply, chain::Socket;

namespace {

struct Change {
    int by = 0;
};

void from_json(const Json& json, Change& change) { json.at("by").get_to(change.by); }

chain::Channel counter_channel() {
    auto counters = std::make_shared<std::map<std::string, int, std::less<>>>();
    chain::Channel channel{"counter:*"};

    channel.on_join([counters](Socket& socket) {
        return Reply::ok({{"value", (*counters)[std::string{socket.topic()}]}});
    });
    channel.on("add",
               [counters](Socket& socket, const Change& change) -> chain::net::awaitable<Reply> {
                   if (change.by == 0) co_return Reply::error("nothing to add");
                   auto& value = (*counters)[std::string{socket.topic()}];
                   value += change.by;
                   socket.broadcast("changed", {{"value", value}});
                   co_return Reply::ok();
               });
    return channel;
}

void expect(chain::testing::Client& client, std::string_view frame) {
    const auto received = client.receive().value_or("nothing");
    if (received == frame) return;
    std::fprintf(stderr, "received %s\n", received.c_str());
    std::exit(1);
}

void try_channel() {
    chain::Handler handler;
    handler.add(counter_channel());
    chain::testing::Kit kit{handler};
    auto client = kit.connect();

    client.send(R"([0,1,1,"counter:a","_join",{}])");
    expect(client, R"([1,1,1,0,{"value":0}])");
    client.send(R"([0,1,2,"counter:a","add",{"by":0}])");
    expect(client, R"([1,1,2,1,{"reason":"nothing to add"}])");
    client.send(R"([0,1,3,"counter:a","add",{"by":2}])");
    expect(client, R"([2,"counter:a","changed",{"value":2}])");
    expect(client, R"([1,1,3,0,{}])");
}

} // namespace

int main() {
    try_channel();

    chain::Handler handler{{.endpoint = "/socket"}};
    handler.add(counter_channel());
    chain::Server server{{.port = 0}};
    server.mount(handler);
    std::puts(chain::version);
    return handler.serves("/socket/websocket") ? 0 : 1;
}
