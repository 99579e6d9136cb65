// Joins a channel in memory.
#include <chain/chain.hpp>
#include <chain/testing/kit.hpp>

int main() {
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&) { return chain::Reply::ok(); });
    chain::Handler handler;
    handler.add(room);

    chain::testing::Kit kit{handler};
    auto client = kit.connect();
    client.send(R"([0,1,1,"room:a","_join",{}])");
    return client.receive() == R"([1,1,1,0,{}])" ? 0 : 1;
}
