// Turns application handlers of many signatures into one form that the library calls.
#pragma once

#include <chain/json.hpp>
#include <chain/payload.hpp>
#include <chain/reply.hpp>
#include <chain/socket.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace chain::detail {

namespace net = boost::asio;

/// A payload that the handler's type does not fit; the handler was not called.
struct BadPayload {};

/// What calling a handler gave: an answer at once, or a coroutine that will give it.
struct Outcome {
    Reply reply = Reply::none();
    std::optional<net::awaitable<Reply>> running = std::nullopt;
};

/// What a handler may ask for.
struct HandlerArgs {
    Socket& socket;
    const Payload& payload;
    std::string_view event;
    LeaveReason reason;
};

/// A join, in or leave handler.
class Callback {
  public:
    virtual ~Callback() = default;
    virtual Outcome operator()(const HandlerArgs& args) = 0;
};

/// An out handler.
class OutCallback {
  public:
    virtual ~OutCallback() = default;
    virtual std::optional<Json> operator()(Socket& socket, Json payload,
                                           std::string_view event) = 0;
};

template <class F>
concept has_one_call_operator = requires {
    &std::remove_cvref_t<F>::operator();
};

template <class Signature>
struct SignatureOf;
template <class R, class... A>
struct SignatureOf<R (*)(A...)> {
    using Result = R;
    using Args = std::tuple<A...>;
};
template <class R, class... A>
struct SignatureOf<R (*)(A...) noexcept> : SignatureOf<R (*)(A...)> {};
template <class C, class R, class... A>
struct SignatureOf<R (C::*)(A...)> : SignatureOf<R (*)(A...)> {};
template <class C, class R, class... A>
struct SignatureOf<R (C::*)(A...) const> : SignatureOf<R (*)(A...)> {};
template <class C, class R, class... A>
struct SignatureOf<R (C::*)(A...) noexcept> : SignatureOf<R (*)(A...)> {};
template <class C, class R, class... A>
struct SignatureOf<R (C::*)(A...) const noexcept> : SignatureOf<R (*)(A...)> {};

template <class F>
auto signature_of() {
    if constexpr (std::is_pointer_v<F>) {
        return SignatureOf<F>{};
    } else {
        static_assert(has_one_call_operator<F>,
                      "chain: a handler needs exactly one call operator whose parameter types are "
                      "written out: "
                      "the payload's type says what it wants, so generic lambdas (auto parameters) "
                      "and overloads cannot be used");
        return SignatureOf<decltype(&F::operator())>{};
    }
}

/// The parameter at `Index`, or void.
template <class Args, std::size_t Index>
struct ArgAt {
    using Type = void;
};
template <class Args, std::size_t Index>
requires(Index < std::tuple_size_v<Args>) struct ArgAt<Args, Index> {
    using Type = std::tuple_element_t<Index, Args>;
};

/// Keeps a handler's second argument alive in the form that its type asks for.
template <class P>
struct PayloadArg {
    explicit PayloadArg(const HandlerArgs& args) : value(read(args.payload)) {}
    static P read(const Payload& payload) {
        try {
            return payload.json().get<P>();
        } catch (...) {
            throw BadPayload{};
        }
    }
    P value;
};
template <>
struct PayloadArg<Json> {
    explicit PayloadArg(const HandlerArgs& args) : value(args.payload.json()) {}
    const Json& value;
};
template <>
struct PayloadArg<Payload> {
    explicit PayloadArg(const HandlerArgs& args) : value(args.payload) {}
    const Payload& value;
};
template <>
struct PayloadArg<LeaveReason> {
    explicit PayloadArg(const HandlerArgs& args) : value(args.reason) {}
    LeaveReason value;
};
template <>
struct PayloadArg<void> {
    explicit PayloadArg(const HandlerArgs&) {}
};

template <class T>
inline constexpr bool is_awaitable = false;
template <class T>
inline constexpr bool is_awaitable<net::awaitable<T>> = true;

/// What a handler may give: at once, or as a coroutine.
template <class T>
inline constexpr bool is_answer =
    std::is_void_v<T> || std::is_same_v<T, Reply> || std::is_same_v<T, Json>;
template <class T>
inline constexpr bool is_answer<net::awaitable<T>> = is_answer<T>;

inline Reply as_reply(Reply&& reply) { return std::move(reply); }
inline Reply as_reply(Json payload) { return Reply::ok(std::move(payload)); }

template <class F>
class TypedCallback final : public Callback {
    using Signature = decltype(signature_of<F>());
    using Result = typename Signature::Result;
    using Args = typename Signature::Args;
    using FirstArg = std::remove_cvref_t<typename ArgAt<Args, 0>::Type>;
    using SecondArg = std::remove_cvref_t<typename ArgAt<Args, 1>::Type>;
    static constexpr std::size_t arity = std::tuple_size_v<Args>;

    static_assert(std::is_same_v<FirstArg, Socket> && arity <= 3,
                  "chain: a handler takes (Socket&), (Socket&, payload) or (Socket&, payload, "
                  "std::string_view event)");
    static_assert(is_answer<Result>,
                  "chain: a handler returns void, Reply, Json, or net::awaitable of one of these");

  public:
    explicit TypedCallback(F handler) : handler_(std::make_shared<F>(std::move(handler))) {}

    Outcome operator()(const HandlerArgs& args) override {
        if constexpr (is_awaitable<Result>) {
            return {Reply::none(),
                    run(handler_, args.socket, args.payload, std::string(args.event), args.reason)};
        } else if constexpr (std::is_void_v<Result>) {
            call(*handler_, args);
            return {};
        } else if constexpr (std::is_same_v<Result, Reply>) {
            return {call(*handler_, args)};
        } else {
            return {as_reply(call(*handler_, args))};
        }
    }

  private:
    static Result call(F& handler, const HandlerArgs& args) {
        return call(handler, args,
                    PayloadArg<std::conditional_t<arity >= 2, SecondArg, void>>(args));
    }

    template <class Second>
    static Result call(F& handler, const HandlerArgs& args, Second&& second) {
        if constexpr (arity == 1)
            return handler(args.socket);
        else if constexpr (arity == 2)
            return handler(args.socket, second.value);
        else
            return handler(args.socket, second.value, args.event);
    }

    /// Holds the handler object and its arguments until the handler's coroutine has completed.
    static net::awaitable<Reply> run(std::shared_ptr<F> handler, Socket socket, Payload payload,
                                     std::string event, LeaveReason reason) {
        const HandlerArgs args{socket, payload, event, reason};
        PayloadArg<std::conditional_t<arity >= 2, SecondArg, void>> second(args);
        if constexpr (std::is_same_v<Result, net::awaitable<void>>) {
            co_await call(*handler, args, second);
            co_return Reply::none();
        } else {
            co_return as_reply(co_await call(*handler, args, second));
        }
    }

    std::shared_ptr<F> handler_;
};

template <class F>
class TypedOutCallback final : public OutCallback {
    using Signature = decltype(signature_of<F>());
    static_assert(std::is_same_v<typename Signature::Result, std::optional<Json>>,
                  "chain: an out handler returns std::optional<Json>: empty drops the event for "
                  "this subscriber");
    static constexpr std::size_t arity = std::tuple_size_v<typename Signature::Args>;
    static_assert(arity == 2 || arity == 3, "chain: an out handler takes (Socket&, Json payload) "
                                            "or (Socket&, Json payload, std::string_view event)");

  public:
    explicit TypedOutCallback(F handler) : handler_(std::move(handler)) {}

    std::optional<Json> operator()(Socket& socket, Json payload, std::string_view event) override {
        if constexpr (arity == 2)
            return handler_(socket, std::move(payload));
        else
            return handler_(socket, std::move(payload), event);
    }

  private:
    F handler_;
};

template <class F>
std::shared_ptr<Callback> make_callback(F handler) {
    return std::make_shared<TypedCallback<F>>(std::move(handler));
}

template <class F>
std::shared_ptr<OutCallback> make_out_callback(F handler) {
    return std::make_shared<TypedOutCallback<F>>(std::move(handler));
}

} // namespace chain::detail
