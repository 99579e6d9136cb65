// Verdict: what the application says of a client that wants in, or to go on.
#pragma once

#include <chain/fwd.hpp>
#include <chain/request.hpp>
#include <chain/session.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace chain::detail {

/// Why the client is not let in, if it is not.
using Verdict = std::optional<Refusal>;

/// Judges a session by what its client shows: a request, or a new token.
template <class Shown>
using Judge = std::function<Verdict(Session&, const Shown&)>;
/// The same as a coroutine, which keeps both as long as it runs.
template <class Shown>
using AsyncJudge = std::function<net::awaitable<Verdict>(Session, std::shared_ptr<const Shown>)>;

/// May a function that judges return this? Nothing means that the client is welcome.
template <class T>
concept PlainVerdict = std::is_void_v<T> || std::convertible_to<T, Verdict>;
template <class T>
concept AnyVerdict = PlainVerdict<T> || std::same_as<T, net::awaitable<void>> ||
    std::same_as<T, net::awaitable<Verdict>>;

/// The application's function as a Judge, or as an AsyncJudge when it is a coroutine.
template <class Shown, class F>
auto judge_of(F f) {
    using Result = std::invoke_result_t<F&, Session&, const Shown&>;
    auto shared = std::make_shared<F>(std::move(f));
    if constexpr (std::is_void_v<Result>) {
        return Judge<Shown>([shared](Session& session, const Shown& shown) -> Verdict {
            (*shared)(session, shown);
            return std::nullopt;
        });
    } else if constexpr (std::is_same_v<Result, net::awaitable<void>>) {
        return AsyncJudge<Shown>(
            [shared](Session session,
                     std::shared_ptr<const Shown> shown) -> net::awaitable<Verdict> {
                co_await (*shared)(session, *shown);
                co_return std::nullopt;
            });
    } else if constexpr (std::is_same_v<Result, net::awaitable<Verdict>>) {
        return AsyncJudge<Shown>(
            [shared](Session session,
                     std::shared_ptr<const Shown> shown) -> net::awaitable<Verdict> {
                co_return co_await (*shared)(session, *shown);
            });
    } else {
        return Judge<Shown>([shared](Session& session, const Shown& shown) -> Verdict {
            return (*shared)(session, shown);
        });
    }
}

} // namespace chain::detail
