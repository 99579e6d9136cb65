// WsConnection: a session's carrier that speaks WebSocket.
#pragma once

#include <chain/detail/stream_connection.hpp>
#include <chain/detail/ws_codec.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// Takes a client's WebSocket frames apart, and closes as RFC 6455 says.
class WsConnection : public StreamConnection {
  public:
    /// @param framing  `websocket`, or `websocket_deflate` when compression was agreed on
    WsConnection(Ref<SessionCore> session, Framing framing);

    /// Attaches itself to the session, takes what the client has sent already, and goes on reading.
    void start(std::uint32_t claim, std::string received);

    Framing framing() const noexcept override { return framing_; }
    void close(std::uint16_t code, std::string_view reason, std::string unsent) noexcept override;

  private:
    void take(std::span<char> bytes) override;
    void watch() override;
    void lost() override;
    void rest_sent() noexcept override;

    inline void handle(const WsEvent& event);
    inline void message(const WsEvent& event);
    void count(std::uint16_t code) noexcept;
    void fail(std::uint16_t code, std::string_view why);
    void peer_closed(std::uint16_t code);

    WsDecoder decoder_;
    Framing framing_;        ///< With or without compression.
    bool peer_done_ = false; ///< Has the client's close frame come?
    bool deaf_ =
        false; ///< Did the client break the framing, so that its frames cannot be told apart?
};

} // namespace chain::detail
