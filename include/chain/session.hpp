// Session: one client, with all the topics it has joined.
#pragma once

#include <chain/detail/ref_counted.hpp>
#include <chain/detail/state_slot.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/json.hpp>
#include <chain/socket.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace chain {

namespace detail {
struct SessionAccess;
}

/// One client, across the connections it comes with. A shared handle; it never dangles.
///
/// Thread safety: `id`, `endpoint`, `options`, `closed`, `push`, `dispatch`, `close`,
/// `schedule_shutdown` and `stop_scheduled_shutdown` from any thread; all else only on the
/// session's executor, which is where handlers run.
class Session {
  public:
    /// Wraps the library's own object; applications get sessions from handlers.
    explicit Session(detail::Ref<detail::SessionCore> impl) noexcept;
    /// @{
    /// A copy is the same session.
    Session(const Session&) noexcept;
    Session(Session&&) noexcept;
    Session& operator=(const Session&) noexcept;
    Session& operator=(Session&&) noexcept;
    /// @}
    ~Session();

    /// 32 hexadecimal digits from 128 random bits.
    std::string id() const;
    /// The path of the handler, as "/socket".
    const std::string& endpoint() const noexcept;
    /// The parameters with which the client connected: an object, empty when there were none.
    const Json& params() const noexcept;
    /// `HandlerConfig::options`.
    const Json& options() const noexcept;
    /// True when the session has ended.
    bool closed() const noexcept;
    /// The socket of a joined topic.
    std::optional<Socket> socket(std::string_view topic) const;

    /// The application's state of this session: a default `T`, made at the first call, destroyed
    /// when the session has ended.
    /// @throws std::logic_error when it was first asked for as another type.
    template <class T>
    T& state() {
        return slot().get<T>();
    }
    /// The state, or null when there is none or it is another type.
    template <class T>
    T* find_state() noexcept {
        return slot().find<T>();
    }
    /// The value stored under `key`, or null.
    const Json& get(std::string_view key) const noexcept;
    /// Stores a value under `key`.
    void set(std::string_view key, Json value);

    /// Names the session, as "user:7", for `Handler::disconnect`. Sessions may share a name; a
    /// session has one at a time, and an empty one is none.
    void name(std::string name);
    /// Its name; empty when it has none.
    const std::string& name() const noexcept;

    /// Until when the client may go on, in wall time; nothing: for ever, which is the default. For
    /// the connect handler and the refresh handler, and whenever it changes. Some time before
    /// (`Timeouts::expiry_notice`) the client is asked for a new token, which it shows to
    /// `Handler::on_refresh`; when `Timeouts::expiry_grace` after it nothing new was set, the
    /// session ends, closed with 4002.
    void expires_at(std::optional<std::chrono::system_clock::time_point> at);
    /// Until when it may go on, if that is limited.
    std::optional<std::chrono::system_clock::time_point> expires_at() const;

    /// Sends a frame that is already in the session's dialect, as it is. It holds no line break,
    /// which would end it over SSE and long-polling.
    /// @return no error when it is on its way; `Errc::slow_consumer`, `Errc::closed`.
    error_code push(std::string_view frame);
    /// Handles a frame as if the client had sent it. For transports.
    /// @return no error when it was understood or is posted; `Errc::not_json`,
    /// `Errc::malformed_frame`, `Errc::binary_frame`, `Errc::closed`.
    error_code dispatch(std::string_view frame, bool binary = false);
    /// Connects the session to a carrier; an older one is closed with 4001. For transports, on the
    /// session's executor.
    /// @return no error; `Errc::closed`; `Errc::other_framing` when its framing is not that which
    /// the session was opened with, and its client cannot resume.
    error_code attach(std::shared_ptr<Connection> connection);
    /// Tells the session that this carrier is gone; what is sent now waits for the next one. An
    /// older carrier than the attached one is ignored.
    void detach(const Connection& connection) noexcept;
    /// Tells the session that the attached carrier can take more.
    void writable();
    /// Ends the session unless `stop_scheduled_shutdown` is called within `after`.
    void schedule_shutdown(std::chrono::milliseconds after);
    /// Calls off `schedule_shutdown`.
    void stop_scheduled_shutdown();
    /// Ends the session: leave handlers run (reason close), what is pending is sent, then the
    /// connection is closed with `code`.
    void close(std::uint16_t code = 1000, std::string_view reason = {});

    friend bool operator==(const Session& a, const Session& b) noexcept {
        return a.impl_ == b.impl_;
    }

  private:
    friend struct detail::SessionAccess;

    detail::StateSlot& slot() noexcept;

    detail::Ref<detail::SessionCore> impl_;
};

} // namespace chain
