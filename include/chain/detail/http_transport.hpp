// HttpTransport: a transport that is reached by HTTP requests.
#pragma once

#include <chain/fwd.hpp>
#include <chain/request.hpp>
#include <chain/transport.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace chain::detail {

/// A plain stream socket of any protocol, with a concrete executor, which makes it small.
using PlainSocket =
    net::basic_stream_socket<net::generic::stream_protocol, net::io_context::executor_type>;

/// What is answered to an HTTP request.
struct HttpAnswer {
    int status = 200;
    Request::Fields headers = {};
    std::string body = {};
    /// Set for an upgrade (status 101): takes the socket, and what the client has sent already,
    /// once the answer is written.
    std::function<void(PlainSocket, std::string)> take_over = {};
};

/// A transport that is reached by HTTP requests to `{endpoint}/{name}`.
class HttpTransport : public Transport {
  public:
    using Respond = std::function<void(HttpAnswer)>;

    /// Answers a request, whose connection lives in `context`, on that thread. `respond` is called
    /// once.
    virtual void serve(net::io_context& context, Request request, Respond respond) = 0;
    /// The answer to a request that is refused before `serve`. It has no body.
    virtual HttpAnswer refuse(const Request& request, int status, std::string_view reason) const;
};

/// `{"reason": reason}` with an HTTP status.
HttpAnswer refuse_request(int status, std::string_view reason);
/// The answer to a client that the connect handler refused.
HttpAnswer refuse_connect(const Refusal& refusal);

} // namespace chain::detail
