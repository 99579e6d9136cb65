// PlainConnection: a session's carrier over a plain socket, whatever it speaks.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/http_transport.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/timer_wheel.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

class SessionCore;

/// Moves bytes between a plain socket and a session. While nothing happens it holds no buffer: it
/// waits for readability and reads into the lane's. Lives on the session's lane.
class PlainConnection : public Connection, public std::enable_shared_from_this<PlainConnection> {
  public:
    ~PlainConnection() override;

    std::size_t write(std::string_view bytes) noexcept override;

  protected:
    enum class State : std::uint8_t {
        open,    ///< Bytes go both ways.
        failing, ///< What the client sends is not looked at any more; the session is ending.
        closing, ///< The last bytes are on their way or sent.
        closed,
    };

    PlainConnection(PlainSocket socket, Ref<SessionCore> session);

    /// Sets the socket up, sends `first`, and attaches to the session. @return false when the
    /// session has ended, and this is being closed as that says.
    bool attach(std::string_view first = {});
    void wait_readable();
    /// Sends these last bytes; `rest_sent` follows.
    void finish(std::string rest) noexcept;
    /// Are the last bytes still on their way?
    bool finishing() const noexcept { return rest_ != nullptr; }
    /// Closes the socket, nothing more is sent.
    void shut() noexcept;
    /// Shuts this side of the socket only.
    void shut_sending() noexcept;
    /// For how long nothing was heard.
    std::chrono::milliseconds silent() const noexcept;
    void arm(std::chrono::milliseconds after);

    SessionCore& session() const noexcept { return *session_; }
    State state() const noexcept { return state_; }
    void state(State state) noexcept { state_ = state; }

  private:
    struct ReadWait;
    struct Watch : TimerNode {
        using TimerNode::TimerNode;
        PlainConnection* connection = nullptr;
    };

    /// Takes what was read.
    virtual void take(std::span<char> bytes) = 0;
    /// The timer has fired.
    virtual void watch() = 0;
    /// The connection broke, and the socket is closed.
    virtual void lost() = 0;
    /// The last bytes are sent.
    virtual void rest_sent() noexcept = 0;

    void readable(bool failed);
    bool read();
    void broken();
    void wait_writable();
    void writable(bool failed);
    std::size_t send_some(std::string_view bytes) noexcept;
    void send_rest() noexcept;

    PlainSocket socket_;
    Ref<SessionCore> session_;
    std::unique_ptr<std::string> rest_; ///< The last bytes, still to be sent.
    Watch watch_;
    std::uint32_t heard_ = 0; ///< When the client was last heard, in the lane's ticks.
    State state_ = State::open;
    bool writing_ = false; ///< Is writability awaited?
};

} // namespace chain::detail
