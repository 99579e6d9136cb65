// ForwardOut: a request that was sent to another node, at the node where it came in.
#pragma once

#include <chain/detail/byte_stream.hpp>
#include <chain/detail/forward_end.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/visitors.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace chain::detail {

class HandlerCore;

/// A request that was sent to the node of its session, at the node where it came in, until it is
/// answered, or its stream has ended. On the executor where it came in. Nothing keeps it but what
/// it waits for there, so that it goes with its context.
class ForwardOut : public std::enable_shared_from_this<ForwardOut> {
  public:
    ForwardOut(std::shared_ptr<HandlerCore> handler, const Place& place, HttpTransport& transport,
               Request request, HttpTransport::Respond respond, ForwardEnd end);
    ~ForwardOut();
    ForwardOut(const ForwardOut&) = delete;
    ForwardOut& operator=(const ForwardOut&) = delete;

    const RandomId& node() const noexcept { return end_.key().node; }
    net::any_io_executor executor() const { return place_.executor; }
    void start();
    void take(const ForwardFrame& frame);
    /// Ends the stream, if there is one.
    void drain();

  private:
    enum class State : std::uint8_t {
        sent,      ///< The other node has not said a word.
        served,    ///< It serves the request.
        answered,  ///< A stream is to follow, and is not here yet.
        streaming, ///< Bytes go to and fro.
        parting,   ///< All was written; the client may still read it.
        over,
    };

    void answer(std::string_view body);
    bool node_silent() const;
    void wait_on();
    void serve_here();
    void put_off();
    void carry(std::unique_ptr<ByteStream> stream, std::string received);
    void read();
    void have_read(error_code failed, std::size_t count);
    void write();
    void wrote(error_code failed, std::size_t count);
    void part();
    void say_goodbye();
    void linger();
    void fail();
    void finish() noexcept;
    void watch();
    void tick();

    std::shared_ptr<HandlerCore> handler_;
    Place place_;
    HttpTransport& transport_;
    Request request_;
    HttpTransport::Respond respond_; ///< Until it is answered.
    ForwardEnd end_;
    net::steady_timer timer_;
    State state_ = State::sent;
    std::chrono::milliseconds waited_{0}; ///< For a word of the other node.
    std::unique_ptr<ByteStream> stream_;
    std::string ahead_;   ///< Came from the client before the stream did.
    std::string in_;      ///< What is read into.
    std::string out_;     ///< For the client.
    std::string writing_; ///< What is being written.
    bool reading_ = false;
    bool ending_ = false; ///< The other node has sent all.
    bool gone_ = false;   ///< The goodbye was said.
};

} // namespace chain::detail
