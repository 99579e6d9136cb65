// Socket: one client's membership of one topic.
#pragma once

#include <chain/detail/ref_counted.hpp>
#include <chain/detail/state_slot.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/json.hpp>
#include <chain/payload.hpp>
#include <chain/reply_token.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace chain {

namespace detail {
struct SocketAccess;
}

/// Where a membership is in its life.
enum class SocketStatus : std::uint8_t { joining, joined, leaving, removed };

/// Why a membership ended.
enum class LeaveReason : std::uint8_t {
    leave,  ///< The client left the topic.
    rejoin, ///< The client joined the topic again.
    close,  ///< The session ended.
    error,  ///< A handler threw.
    stop,   ///< The application ended it, with `Socket::leave`.
};

/// One client's membership of one topic: what handlers are given. A shared handle: it may be copied
/// and kept, and never dangles. After the membership has ended, sending through it returns
/// `Errc::not_joined`.
///
/// Thread safety: `push`, `broadcast`, `broadcast_from`, `leave`, `topic`, `id` and `session` from
/// any thread; on the session's own executor they act at once and return the final result,
/// elsewhere they post and return what is known. All else only on the session's executor, which is
/// where handlers run.
class Socket {
  public:
    /// Wraps the library's own object; applications get sockets from handlers.
    explicit Socket(detail::Ref<detail::Membership> impl) noexcept;
    /// @{
    /// A copy is the same membership.
    Socket(const Socket&) noexcept;
    Socket(Socket&&) noexcept;
    Socket& operator=(const Socket&) noexcept;
    Socket& operator=(Socket&&) noexcept;
    /// @}
    ~Socket();

    /// The session's id, 32 hexadecimal digits. A session has one socket per topic, so id and topic
    /// name a socket.
    std::string id() const;
    /// The topic that was joined.
    const std::string& topic() const noexcept;
    /// The path of the handler, as "/socket".
    const std::string& endpoint() const noexcept;
    /// The parameters with which the session connected: an object, empty when there were none.
    const Json& params() const noexcept;
    /// The client, with all the topics it has joined.
    Session session() const noexcept;
    /// Where the membership is in its life.
    SocketStatus status() const noexcept;

    /// The application's state of this membership: a default `T`, made at the first call and
    /// destroyed after the leave handler.
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

    /// Sends an event to this client on this topic. In a join handler it is sent after the join's
    /// reply.
    /// @return no error when it is on its way; `Errc::not_joined`, `Errc::invalid_event`,
    /// `Errc::invalid_payload`, `Errc::not_an_object` (see `PhoenixClients`),
    /// `Errc::slow_consumer`, `Errc::closed`.
    error_code push(std::string_view event, Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code push(std::string_view event, const P& payload) {
        return push_payload(event, payload);
    }
    /// Sends a frame that is already in the session's dialect to this client, as it is. It holds no
    /// line break, which would end it over SSE and long-polling.
    /// @return as `push`.
    error_code send(std::string_view frame);
    /// Sends an event to everybody in this topic, this client too.
    /// @return no error when it is on its way; `Errc::not_joined`, `Errc::invalid_event`,
    /// `Errc::invalid_payload`, `Errc::not_an_object` (see `PhoenixClients`), `Errc::closed`; when
    /// this node's members alone get it: as for `PubSub::publish`.
    error_code broadcast(std::string_view event, Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code broadcast(std::string_view event, const P& payload) {
        return broadcast_payload(event, payload, false);
    }
    /// Sends an event to everybody in this topic except this client.
    /// @return as `broadcast`.
    error_code broadcast_from(std::string_view event, Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code broadcast_from(std::string_view event, const P& payload) {
        return broadcast_payload(event, payload, true);
    }
    /// Ends this membership, as soon as the handler that runs has completed: its answer is sent,
    /// the leave handler runs (reason stop), and the client is told that it is no member any more.
    /// @return no error when it will be so; `Errc::not_joined`, `Errc::closed`.
    error_code leave();
    /// The right to answer the event being handled later. Return nothing from the handler then: an
    /// answer that it returns uses the token up. Outside an event handler the token is empty.
    /// @param use  how often the token may be used
    ReplyToken reply_token(TokenUse use = TokenUse::once);

    friend bool operator==(const Socket& a, const Socket& b) noexcept { return a.impl_ == b.impl_; }

  private:
    friend struct detail::SocketAccess;

    detail::StateSlot& slot() noexcept;
    error_code push_payload(std::string_view event, const Payload& payload);
    error_code broadcast_payload(std::string_view event, const Payload& payload, bool except_this);

    detail::Ref<detail::Membership> impl_;
};

} // namespace chain
