// What is nearest to refused.cpp and must compile.
#include "serve.hpp"

#include <chain/chain.hpp>

template void serve(const chain::Handler&, boost::asio::ssl::stream<Tcp>&);

void set_up(chain::Channel& room) {
    room.on("x", [](chain::Socket&, const chain::Json&) {});
    room.on_out("x",
                [](chain::Socket&, const chain::Json&) -> std::optional<chain::Json> { return 1; });
}
