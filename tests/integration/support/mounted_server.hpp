// A Beast server of the test's own, with a handler mounted in it.
#pragma once

#include "test_server.hpp"

#include <chain/chain.hpp>
#include <chain/served.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace test {

/// What kind of server, and of streams.
enum class Mount {
    one_thread,  ///< `tcp::socket` in an io_context that one thread runs.
    strand,      ///< The same, three threads, a strand for each connection.
    tcp_stream,  ///< `beast::tcp_stream` on strands.
    callback,    ///< The same, with callbacks instead of coroutines.
    header,      ///< Reads the header only and gives `async_serve` the parser.
    future,      ///< A thread for each connection, which waits for futures.
    declared,    ///< Strands, and two declared io_contexts to which sockets are moved.
    tls,         ///< `ssl::stream<tcp::socket>` on strands.
    beast_tls,   ///< `beast::ssl_stream<beast::tcp_stream>` on strands.
    tls_header,  ///< The same, and only the header is read, as in `header`.
    unix_socket, ///< `local::stream_protocol::socket` on strands.
    not_serial,  ///< Three threads without strands, which is a mistake.
};

std::string to_string(Mount mount);

/// Serves a handler at `/socket`, and `GET` and `POST` of anything else: its answer is the target.
/// All kinds are reached by plain TCP at `port`, some by way of a bridge.
class MountedServer {
  public:
    MountedServer(Mount mount, chain::Channel channel, chain::HandlerConfig config = {});
    ~MountedServer();

    std::shared_ptr<Watch> watch;
    chain::Handler& handler();
    std::uint16_t port() const;
    /// A WebSocket client that has joined `topic` with join reference 1.
    RawClient member(const std::string& topic) const;
    /// Waits until so many requests were answered so.
    bool served(chain::Served what, std::size_t times) const;
    /// Ends the threads and the io_contexts, whatever lives in them.
    void destroy_contexts();
    /// The last handle of the handler goes.
    void destroy_handler();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace test
