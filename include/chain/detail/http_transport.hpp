// HttpTransport: a transport that is reached by HTTP requests.
#pragma once

#include <chain/cors.hpp>
#include <chain/detail/byte_stream.hpp>
#include <chain/detail/place.hpp>
#include <chain/detail/random_id.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/fwd.hpp>
#include <chain/request.hpp>
#include <chain/transport.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// What is answered to an HTTP request.
struct HttpAnswer {
    int status = 200;
    Request::Fields headers = {};
    std::string body = {};
    /// Set where the connection is no longer HTTP's: takes the stream, and what the client has sent
    /// already, once the answer is written. Called on the stream's executor.
    std::function<void(std::unique_ptr<ByteStream>, std::string)> take_over = {};
};

/// A transport that is reached by HTTP requests to `{endpoint}/{name}`.
class HttpTransport : public Transport {
  public:
    using Respond = std::function<void(HttpAnswer)>;

    /// Answers a request, whose connection lives at `place`, on its executor. `respond` is called
    /// once, on any thread.
    virtual void serve(const Place& place, Request request, Respond respond) = 0;
    /// The answer to a request that is refused before `serve`. It has no body.
    virtual HttpAnswer refuse(const Request& request, int status, std::string_view reason) const;
    /// The answer to a request that cannot be served now, and whose client is to come again.
    virtual HttpAnswer put_off(const Request& request, std::string_view reason,
                               std::string_view seconds) const;
    /// The node whose session the request says it is about, if it says so. What it shows may be
    /// worth nothing.
    virtual std::optional<RandomId> owner(const Request& request) const;
    /// The lane on which this node serves such a request; null when it has no such session.
    virtual Ref<Lane> home(const Request& request) const;
};

/// May the page that sent this request use a transport, by the handler's rules or those of its
/// `cors`? An origin function that throws lets nobody in, and is told of.
bool page_allowed(HandlerCore& handler, const Request& request,
                  const std::optional<CorsConfig>& cors) noexcept;
/// `{"reason": reason}` with an HTTP status.
HttpAnswer refuse_request(int status, std::string_view reason);
/// The answer to a client that the connect handler refused.
HttpAnswer refuse_connect(const Refusal& refusal);

} // namespace chain::detail
