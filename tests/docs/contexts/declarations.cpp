// Around a block that declares functions and types.
#include <chain/chain.hpp>
#include <chain/server.hpp>

using chain::Json, chain::Payload, chain::Reply, chain::Request, chain::Session, chain::Socket;
namespace net = chain::net;

// BLOCK
