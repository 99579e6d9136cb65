// Channel: the handlers of one topic pattern.
#pragma once

#include <chain/detail/handler_traits.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/json.hpp>
#include <chain/payload.hpp>
#include <chain/rate.hpp>
#include <chain/slow_policy.hpp>
#include <chain/topic.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace chain {

/// The handlers of one topic pattern. A shared handle: copies are the same channel. It may be added
/// to several handlers, and is frozen by the first: registering after that throws.
///
/// A handler takes `(Socket&)`, `(Socket&, P)` or `(Socket&, P, std::string_view event)`. P says
/// what it wants of the payload: `const Json&` (parsed for it), `const Payload&` (the raw bytes,
/// parsed on demand), or any type with nlohmann's `from_json` (a payload that does not fit is
/// answered `{"reason":"bad payload"}`). It returns `void`, `Reply`, `Json` (sent as ok), or
/// `net::awaitable` of one of these. Handlers of one membership run one at a time, in order, on the
/// session's executor. They may be move-only.
///
/// What a handler throws never reaches the process: a nlohmann type or range error is answered
/// `{"reason":"bad payload"}`; anything else is logged, answered `{"reason":"internal error"}` and
/// ends that membership.
class Channel {
  public:
    /// @param topic_pattern  a topic, or a prefix and one trailing `*`, as "room:*"
    /// @throws std::invalid_argument when it is neither
    explicit Channel(std::string topic_pattern);

    /// The pattern as given.
    const std::string& topic_pattern() const noexcept;

    /// Decides who may join. Without one that matches, a topic cannot be joined. A void handler
    /// accepts; an error reply refuses.
    /// @param pattern  for which topics, within the channel's own pattern; exact names win, then
    /// the longest prefix
    /// @param handler  see the class
    /// @throws std::invalid_argument for a pattern that is bad, taken, or outside the channel's;
    /// std::logic_error once frozen
    template <class F>
    Channel& on_join(std::string pattern, F handler) {
        return add_join(std::move(pattern), detail::make_callback(std::move(handler)));
    }
    /// The same for all topics of the channel.
    template <class F>
    Channel& on_join(F handler) {
        return on_join(topic_pattern(), std::move(handler));
    }

    /// Handles a client's event. What it returns is the reply; void gives none.
    /// @param event    a name, or a prefix and one trailing `*`
    /// @param handler  see the class
    /// @throws std::invalid_argument for a name that is bad or taken; std::logic_error once frozen
    template <class F>
    Channel& on(std::string event, F handler) {
        return add_in(std::move(event), detail::make_callback(std::move(handler)));
    }

    /// Sees each broadcast of `event` before each subscriber does: `std::optional<Json> f(Socket&,
    /// Json payload)`, or with a third parameter `std::string_view event`. Returns the payload for
    /// this subscriber; empty drops it, and so does one that cannot be sent
    /// (`Observer::frames_dropped`). The payload is this subscriber's own. Runs after the current
    /// handler has returned. Such a broadcast is encoded once per subscriber.
    /// @throws as `on`
    template <class F>
    Channel& on_out(std::string event, F handler) {
        return add_out(std::move(event), detail::make_out_callback(std::move(handler)));
    }

    /// Runs when a membership has ended: `void f(Socket&, LeaveReason)`, or a coroutine. The socket
    /// can still broadcast and read its state; its own pushes are refused.
    /// @throws as `on_join`
    template <class F>
    Channel& on_leave(std::string pattern, F handler) {
        return add_leave(std::move(pattern), detail::make_callback(std::move(handler)));
    }
    /// The same for all topics of the channel.
    template <class F>
    Channel& on_leave(F handler) {
        return on_leave(topic_pattern(), std::move(handler));
    }

    /// How often a session may send `event`, on all topics of the channel together; more is
    /// answered
    /// `{"reason":"rate limited","retry_after_ms":N}`. `HandlerConfig::rates` counts it, too.
    /// @throws as `on`
    Channel& limit(std::string event, const Rate& rate);

    /// What becomes of pushes and broadcasts of `event` while they wait for a client that reads too
    /// slowly; without one they are kept, and past a limit the client is closed with 1013.
    /// @param event   a name, or a prefix and one trailing `*`; exact names win, then the longest
    /// @param policy  what becomes of them
    /// @throws as `on`
    Channel& when_slow(std::string event, SlowPolicy policy);
    /// The same for all events of the channel that have no policy of their own.
    Channel& when_slow(SlowPolicy policy) { return when_slow("*", std::move(policy)); }

    /// Sends what is published on the pub/sub to this node's sockets: a publication on topic T that
    /// matches `topic_pattern` becomes the event `event` on topic T.
    /// @throws std::invalid_argument for a bad pattern or event; std::logic_error once frozen
    Channel& subscribe(std::string topic_pattern, std::string event);

    /// Sends an event to everybody in `topic`, on all nodes, in every handler that the channel was
    /// added to. From any thread.
    /// @return no error when it is on its way; `Errc::not_configured`, `Errc::unmatched_topic`,
    /// `Errc::invalid_topic`, `Errc::invalid_event`, `Errc::invalid_payload`,
    /// `Errc::not_an_object` (see `PhoenixClients`); when this node's members alone get it: as for
    /// `PubSub::publish`
    error_code broadcast(std::string_view topic, std::string_view event, Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code broadcast(std::string_view topic, std::string_view event, const P& payload) {
        return send(topic, event, payload, true);
    }
    /// The same on this node only.
    error_code local_broadcast(std::string_view topic, std::string_view event,
                               Json payload = nullptr);
    /// The same, with a payload as it is.
    template <std::same_as<Payload> P>
    error_code local_broadcast(std::string_view topic, std::string_view event, const P& payload) {
        return send(topic, event, payload, false);
    }
    /// Sends an event that came from elsewhere to this node's sockets: Go's `Dispatch`. The same as
    /// `local_broadcast`, out handlers included.
    error_code dispatch(std::string_view topic, std::string_view event, const Payload& payload) {
        return send(topic, event, payload, false);
    }

    friend bool operator==(const Channel& a, const Channel& b) noexcept {
        return a.core_ == b.core_;
    }

  private:
    friend class Handler;

    Channel& add_join(std::string pattern, std::shared_ptr<detail::Callback> callback);
    Channel& add_in(std::string event, std::shared_ptr<detail::Callback> callback);
    Channel& add_out(std::string event, std::shared_ptr<detail::OutCallback> callback);
    Channel& add_leave(std::string pattern, std::shared_ptr<detail::Callback> callback);
    error_code send(std::string_view topic, std::string_view event, const Payload& payload,
                    bool everywhere);

    std::shared_ptr<detail::ChannelCore> core_;
};

} // namespace chain
