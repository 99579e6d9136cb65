// Exchange: one request that the application has handed to a handler.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/deadline.hpp>
#include <chain/detail/http_message.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/fwd.hpp>
#include <chain/served.hpp>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// The application's buffer, whatever its type.
struct ReadAhead {
    std::size_t room;                           ///< What it can hold at the most.
    std::function<std::string()> take;          ///< Takes all that is in it.
    std::function<void(std::string_view)> give; ///< Puts this into it, as it is empty.
};

/// The inside of `handler`, which is no handle: it does not keep the endpoint from ending.
std::shared_ptr<HandlerCore> shared_core(const Handler& handler);

/// One request that the application has handed to a handler, until its stream is the application's
/// again or somebody else's. On the stream's executor.
class Exchange : public std::enable_shared_from_this<Exchange> {
  public:
    using Parser = http::request_parser<http::string_body>;
    using Done = std::function<void(Served)>;

    Exchange(std::shared_ptr<HandlerCore> handler, std::unique_ptr<ByteStream> stream,
             ReadAhead read_ahead, Done done);

    /// A request that was read whole.
    void serve(Request request, HttpForm form);
    /// One of which the header was read; reads the body.
    void serve(std::shared_ptr<Parser> parser);

  private:
    void take_body();
    void read_body();
    void have_body(error_code failed);
    void refuse(int status, std::string_view why);
    void answer(HttpAnswer answer);
    void written(error_code failed);
    void hand_over(error_code failed);

    std::shared_ptr<HandlerCore> handler_;
    std::unique_ptr<ByteStream> stream_;
    net::any_io_executor executor_; ///< Keeps its context at work.
    ReadAhead read_ahead_;
    Done done_;
    HttpForm form_;
    HttpAnswer answer_;
    std::string bytes_;
    std::shared_ptr<Parser> parser_;
    std::optional<StreamReader> reader_; ///< Of the body.
    boost::beast::flat_buffer buffer_;
    Deadline deadline_;
    bool linger_ = false; ///< Was the request refused before all of it was read?
};

} // namespace chain::detail
