// Beast's WebSocket client, with a deadline on each step. Kept out of the tests' own sources, which
// would take long to compile with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

class WsClient {
  public:
    using Headers = std::vector<std::pair<std::string, std::string>>;

    /// Connects, offering to compress where that is wanted. Check `status`.
    explicit WsClient(std::uint16_t port, const std::string& target = "/socket/websocket",
                      const Headers& headers = {}, bool deflate = false);
    WsClient(WsClient&&) noexcept;
    WsClient& operator=(WsClient&&) noexcept;
    ~WsClient();

    /// The status of the server's answer: 101 when the client is connected.
    int status() const;
    /// The body of an answer other than 101.
    const std::string& body() const;
    void send(std::string_view text);
    void send_binary(std::string_view bytes);
    /// Sends a message in pieces of so many bytes, each a frame of its own.
    void send_in_pieces(std::string_view text, std::size_t piece);
    void ping(std::string_view payload);
    /// The next message. Pings are answered. @throws when none comes in time, or the stream ends
    std::string receive();
    /// The payload of the newest pong, after `receive` has read past it.
    const std::string& pong() const;
    /// Waits for the close handshake, dropping messages. @return the server's code
    int close_code();
    /// The reason that came with it.
    std::string close_reason() const;
    /// Closes the connection, with the handshake.
    void close(std::uint16_t code = 1000);
    /// Drops the connection without a handshake.
    void drop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace test
