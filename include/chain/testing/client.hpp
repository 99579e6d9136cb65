// Client: a client in memory, for tests.
#pragma once

#include <chain/fwd.hpp>
#include <chain/request.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chain::testing {

/// A client in memory: speaks frames of the handler's dialect. A shared handle. Everything runs
/// inside the calls, on the test's thread.
class Client {
  public:
    struct State;
    /// Wraps the kit's own object; see `Kit::connect`.
    explicit Client(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

    /// Why the client was not let in, or nothing.
    const std::optional<Refusal>& refusal() const noexcept;
    /// The server's side of it. @throws std::logic_error when it was not let in
    Session session() const;
    /// Sends a frame; all that follows from it has happened when this returns. A frame that is not
    /// understood closes the connection as a WebSocket's would.
    void send(std::string_view frame);
    /// The same with a binary frame.
    void send_binary(std::string_view bytes);
    /// The oldest frame that was not received yet, or nothing.
    std::optional<std::string> receive();
    /// All frames that were not received yet.
    std::vector<std::string> receive_all();
    /// The connection breaks, and the session ends.
    void disconnect();
    /// The connection breaks, but the session is kept for as long as the handler's resume window.
    void lose_connection();
    /// Connects again to a session that was kept. @return false when it is gone.
    bool reconnect();
    /// With false, the client stops reading: what it is sent waits at the server.
    void reading(bool on);
    /// Takes only so many bytes of each write, as a full socket does.
    void accept_at_most(std::size_t bytes);
    /// The code with which the server closed the connection, or nothing.
    std::optional<std::uint16_t> close_code() const noexcept;

  private:
    std::shared_ptr<State> state_;
};

} // namespace chain::testing
