// Handler: an endpoint with its channels, transports, sessions and limits.
#pragma once

#include <chain/answers.hpp>
#include <chain/channel.hpp>
#include <chain/config.hpp>
#include <chain/connection.hpp>
#include <chain/detail/completion.hpp>
#include <chain/detail/verdict.hpp>
#include <chain/error.hpp>
#include <chain/fwd.hpp>
#include <chain/pubsub.hpp>
#include <chain/request.hpp>
#include <chain/session.hpp>
#include <chain/transport.hpp>

#include <boost/asio/async_result.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace boost::asio {
class io_context;
}

namespace chain {

namespace detail {
struct HandlerAccess;
}

/// The outcome of `Handler::connect`: a session, or why there is none.
using ConnectResult = boost::system::result<Session, Refusal>;

/// An endpoint: its channels, transports, sessions and limits. A shared handle. When the last copy
/// is destroyed the endpoint ends: its sessions' connections are closed without running handlers;
/// call `drain` before for an orderly end. A copy that one of its own channels or hooks keeps, in
/// its captures say, is never destroyed: let these hold a reference.
///
/// Set it up from one thread before the first client; the rest is thread-safe where it says so.
class Handler {
  public:
    /// @throws std::invalid_argument for an endpoint that does not start with `/` or ends with one,
    /// an origin that is none, a compression level outside of 1 to 9, a time-out of nothing
    explicit Handler(HandlerConfig config = {});

    /// Adds a channel, and freezes it.
    /// @throws std::invalid_argument when its pattern is taken; std::logic_error after the first
    /// client
    Handler& add(Channel channel);
    /// Adds a transport and configures it. A handler without any gets a WebSocketTransport, an
    /// SseTransport and a LongPollTransport from `Server`.
    /// @throws std::invalid_argument when its name is taken
    Handler& add(std::shared_ptr<Transport> transport);
    /// Declares an io_context that exactly one thread runs; sessions are served in it. Call it
    /// before that thread runs.
    Handler& use(net::io_context& context);

    /// Runs `f(Handler&)` once, before the first client. If it throws, all clients are refused.
    Handler& on_config(std::function<void(Handler&)> f);
    /// Decides who may connect: `f(Session&, const Request&)` returns void (welcome),
    /// `std::optional<Refusal>`, or `net::awaitable` of either. It may store state in the session.
    /// What it throws is answered 500.
    template <class F>
    Handler& on_connect(F f);

    /// Decides whether a client may go on with its session after its connection broke:
    /// `f(Session&, const Request&)` returns void (welcome) or `std::optional<Refusal>`. A client
    /// that is refused, or for which `f` throws, gets a new session, for which the connect handler
    /// runs. The connect handler does not run again otherwise.
    template <class F>
    Handler& on_resume(F f);

    /// Decides on the new token that a client shows before its authorisation expires (see
    /// `Session::expires_at`): `f(Session&, const Json& payload)` returns void,
    /// `std::optional<Refusal>`, or `net::awaitable` of either. It is for `f` to set the session's
    /// new `expires_at`. A client that is refused is told the reason, and may try again until the
    /// grace is over, which a coroutine does not stop; what `f` throws is answered "internal
    /// error", and another token that comes while a coroutine runs "busy". Runs on the session's
    /// executor.
    template <class F>
    Handler& on_refresh(F f);

    /// Is this request's target (path and query) the endpoint's: the endpoint itself or below it,
    /// by whole path segments? Thread-safe.
    bool serves(std::string_view target) const noexcept;
    /// Opens a session, or finds the one that the request shows a token of. For transports.
    /// A session that is resumed lives in the io_context that it was opened in.
    /// @param context  a declared one, on whose thread this is called; a new session lives there
    /// @param request  what the connect handler is shown; its query becomes the session's params
    /// @param framing  that of the connection that the session will be given
    /// @param done     called on that thread, at once unless the connect handler is a coroutine
    void connect(net::io_context& context, Request request, Framing framing,
                 std::function<void(ConnectResult)> done);
    /// The living session with this id, whose scheduled shutdown is called off; for transports.
    /// Thread-safe.
    std::optional<Session> resume(std::string_view id) const;
    /// The living session with this id. Thread-safe.
    std::optional<Session> session(std::string_view id) const;
    /// Handles a frame as if the session's client had sent it. Thread-safe.
    /// @return as `Session::dispatch`
    error_code dispatch(Session session, std::string_view frame) { return session.dispatch(frame); }
    /// Ends every session of this name (`Session::name`) on all nodes: leave handlers run, and the
    /// connections are closed with 1001, so that clients come back and are asked anew who they are.
    /// Thread-safe.
    /// @return no error; when this node's sessions alone were ended: `Errc::adapter_down`,
    /// `Errc::adapter_full`, `Errc::adapter_failed`
    error_code disconnect(std::string_view name);
    /// How many sessions live now. Thread-safe.
    std::size_t sessions() const noexcept;
    /// Asks all nodes how many sessions live there. Thread-safe. Not cancellable: the
    /// deadline ends it.
    /// @param deadline  for the answers: then those that have come count
    /// @param token     of signature `void(SessionCount)`; called on its associated executor, else
    /// on one of the handler's threads
    ///
    /// ```cpp
    /// const auto all = co_await handler.async_count_sessions(1s, net::use_awaitable);
    /// std::clog << all.sessions << " on " << all.answered << " of " << all.nodes << " nodes\n";
    /// ```
    template <class CompletionToken>
    auto async_count_sessions(std::chrono::milliseconds deadline, CompletionToken&& token) const {
        return net::async_initiate<CompletionToken, void(SessionCount)>(
            [](auto done, Handler self, std::chrono::milliseconds limit) {
                self.count_sessions(limit, detail::completion<SessionCount>(std::move(done)));
            },
            token, *this, deadline);
    }
    /// Asks all nodes who is in a topic there: those whose joins are settled. Thread-safe.
    /// @param topic     a topic; in one without members nobody is
    /// @param deadline  as above
    /// @param token     of signature `void(TopicMembers)`; as above
    template <class CompletionToken>
    auto async_members(std::string topic, std::chrono::milliseconds deadline,
                       CompletionToken&& token) const {
        return net::async_initiate<CompletionToken, void(TopicMembers)>(
            [](auto done, Handler self, const std::string& where, std::chrono::milliseconds limit) {
                self.members(where, limit, detail::completion<TopicMembers>(std::move(done)));
            },
            token, *this, std::move(topic), deadline);
    }
    /// The endpoint's pub/sub. Thread-safe.
    PubSub pubsub() const;
    /// The settings.
    const HandlerConfig& config() const noexcept;

    /// Takes nobody in from now on and ends all sessions. Connections are closed with 1012, spread
    /// as `Drain` says, each when all that was pending is sent. A session that its client could
    /// resume stays until the last connection is closed, and any other ends with its own; then
    /// leave handlers run. Returns at once; `done` is called when all have ended or the deadline is
    /// over, on one of the handler's threads. Thread-safe.
    void drain(std::chrono::milliseconds deadline, std::function<void()> done);
    /// Calls off each `drain` that was begun, whose `done` is not called any more: clients are let
    /// in again, and those whose connection was closed resume their session without loss while it
    /// is there. Thread-safe.
    void call_off_drain();
    /// True once `drain` was called, unless that was called off. Thread-safe.
    bool draining() const noexcept;

    friend bool operator==(const Handler& a, const Handler& b) noexcept {
        return a.core_ == b.core_;
    }

  private:
    friend struct detail::HandlerAccess;
    explicit Handler(std::shared_ptr<detail::HandlerCore> core) noexcept : core_(std::move(core)) {}
    void set_connect(detail::Judge<Request> f);
    void set_connect(detail::AsyncJudge<Request> f);
    void set_resume(detail::Judge<Request> f);
    void set_refresh(detail::Judge<Json> f);
    void set_refresh(detail::AsyncJudge<Json> f);
    void count_sessions(std::chrono::milliseconds deadline, std::function<void(SessionCount)> done);
    void members(const std::string& topic, std::chrono::milliseconds deadline,
                 std::function<void(TopicMembers)> done);

    std::shared_ptr<detail::HandlerCore> core_;
};

template <class F>
Handler& Handler::on_connect(F f) {
    static_assert(
        detail::AnyVerdict<std::invoke_result_t<F&, Session&, const Request&>>,
        "chain: a connect handler returns void, std::optional<Refusal>, or net::awaitable of "
        "either");
    set_connect(detail::judge_of<Request>(std::move(f)));
    return *this;
}

template <class F>
Handler& Handler::on_refresh(F f) {
    static_assert(
        detail::AnyVerdict<std::invoke_result_t<F&, Session&, const Json&>>,
        "chain: a refresh handler returns void, std::optional<Refusal>, or net::awaitable of "
        "either");
    set_refresh(detail::judge_of<Json>(std::move(f)));
    return *this;
}

template <class F>
Handler& Handler::on_resume(F f) {
    static_assert(detail::PlainVerdict<std::invoke_result_t<F&, Session&, const Request&>>,
                  "chain: a resume handler returns void or std::optional<Refusal>");
    set_resume(detail::judge_of<Request>(std::move(f)));
    return *this;
}

} // namespace chain
