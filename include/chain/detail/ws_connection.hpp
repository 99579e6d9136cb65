// WsConnection: a session's carrier over a plain socket that speaks WebSocket.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/timer_wheel.hpp>
#include <chain/detail/ws_codec.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

class SessionCore;

/// Reads a client's WebSocket frames and writes the session's. While nothing happens it holds no buffer: it waits for readability and
/// reads into the lane's. Lives on the session's lane.
class WsConnection final : public Connection, public std::enable_shared_from_this<WsConnection> {
  public:
    WsConnection(PlainSocket socket, Ref<SessionCore> session);
    ~WsConnection() override;

    /// Attaches itself to the session, takes what the client has sent already, and goes on reading.
    void start(std::string received);

    Framing framing() const noexcept override { return Framing::websocket; }
    std::size_t write(std::string_view bytes) noexcept override;
    void close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept override;

  private:
    enum class State : std::uint8_t {
        open,    ///< Frames go both ways.
        failing, ///< What the client sends is not looked at any more; the session is ending.
        closing, ///< The close frame is on its way or sent; the client's is awaited.
        closed,
    };
    struct ReadWait;
    struct Watch : TimerNode {
        using TimerNode::TimerNode;
        WsConnection* connection = nullptr;
    };

    void wait_readable();
    void readable(bool failed);
    bool read();
    void take(std::span<char> bytes);
    void handle(const WsEvent& event);
    void message(const WsEvent& event);
    void fail(std::uint16_t code, std::string_view why);
    void peer_closed(std::uint16_t code);
    void wait_writable();
    void writable(bool failed);
    std::size_t send_some(std::string_view bytes) noexcept;
    void send_rest() noexcept;
    void watch();
    void lost() noexcept;
    void shut() noexcept;

    PlainSocket socket_;
    Ref<SessionCore> session_;
    WsDecoder decoder_;
    std::unique_ptr<std::string> rest_; ///< While closing: bytes to be sent before the socket is shut.
    Watch watch_;
    std::uint32_t heard_ = 0;           ///< When the client was last heard, in the lane's ticks.
    State state_ = State::open;
    bool writing_ = false;              ///< Is writability awaited?
    bool peer_done_ = false;            ///< Has the client's close frame come?
};

} // namespace chain::detail
