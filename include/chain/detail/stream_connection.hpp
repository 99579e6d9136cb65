// StreamConnection: a session's carrier over a stream of bytes, whatever it speaks.
#pragma once

#include <chain/connection.hpp>
#include <chain/detail/ref_counted.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/timer_wheel.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// What a connection's protocol and its carrier have in common. The protocol derives from it, and
/// the carrier, which has the stream, from the protocol. Lives on the session's lane.
class StreamConnection : public Connection, public std::enable_shared_from_this<StreamConnection> {
  public:
    ~StreamConnection() override;

    std::size_t write(std::string_view bytes) noexcept override;

  protected:
    enum class State : std::uint8_t {
        open,    ///< Bytes go both ways.
        failing, ///< What the client sends is not looked at any more; the session is ending.
        closing, ///< The last bytes are on their way or sent.
        closed,
    };

    explicit StreamConnection(Ref<SessionCore> session);

    // For protocols.

    /// Sets the stream up, sends `first`, and attaches to the session (with `claim`, when that was
    /// resumed). @return false when the session has ended or has a newer connection, and this is
    /// being closed as that says.
    bool attach(std::uint32_t claim, std::string_view first = {});
    /// Waits for what the client sends.
    virtual void wait_readable() = 0;
    /// Sends these last bytes; `rest_sent` follows.
    void finish(std::string rest) noexcept;
    /// Are the last bytes still on their way?
    bool finishing() const noexcept { return rest_ != nullptr; }
    /// Closes the stream, nothing more is sent.
    void shut() noexcept;
    /// The same, once the peer knows that everything was sent.
    virtual void part() noexcept = 0;
    /// Shuts this side of the stream only.
    virtual void shut_sending() noexcept = 0;
    /// For how long nothing was heard.
    std::chrono::milliseconds silent() const noexcept;
    void arm(std::chrono::milliseconds after);

    SessionCore& session() const noexcept { return *session_; }
    State state() const noexcept { return state_; }
    void state(State state) noexcept { state_ = state; }

    // For carriers.

    /// The client has sent this.
    void came(std::span<char> bytes);
    void broken();
    /// What `wait_writable` waited for.
    void writable(bool failed);

  private:
    struct Watch : TimerNode {
        using TimerNode::TimerNode;
        StreamConnection* connection = nullptr;
    };

    /// Takes what was read.
    virtual void take(std::span<char> bytes) = 0;
    /// The timer has fired.
    virtual void watch() = 0;
    /// The connection broke, and the stream is closed.
    virtual void lost() = 0;
    /// The last bytes are sent.
    virtual void rest_sent() noexcept = 0;

    virtual void set_up() noexcept = 0;
    /// Sends some of `bytes`. @return how many were taken
    virtual std::size_t send(std::string_view bytes) noexcept = 0;
    /// Is something that was taken still on its way to the stream?
    virtual bool sending() const noexcept = 0;
    /// Calls `writable` when more can be sent.
    virtual void wait_writable() = 0;
    virtual void close_stream() noexcept = 0;

    void send_rest() noexcept;

    Ref<SessionCore> session_;
    std::unique_ptr<std::string> rest_; ///< The last bytes, still to be sent.
    Watch watch_;
    std::uint32_t heard_ = 0; ///< When the client was last heard, in the lane's ticks.
    State state_ = State::open;
};

} // namespace chain::detail
