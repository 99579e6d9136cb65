// Around a block that sets up a handler, its channels and its server.
#include <chain/chain.hpp>
#include <chain/server.hpp>

using chain::Json, chain::Payload, chain::Reply, chain::Request, chain::Session, chain::Socket;
namespace net = chain::net;

[[maybe_unused]] void set_up([[maybe_unused]] chain::Handler& handler,
                             [[maybe_unused]] chain::Channel& channel,
                             [[maybe_unused]] chain::Server& server) {
    // BLOCK
}
