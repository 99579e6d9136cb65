// completion: a completion handler as a function.
#pragma once

#include <chain/fwd.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace chain::detail {

/// Completes on the executor of the handler, whose context it keeps at work. A handler without one
/// is called on `fallback`; that of the system calls it where the result is.
template <class Result, class Done, class Executor = net::system_executor>
std::function<void(Result)> completion(Done handler, const Executor& fallback = {}) {
    auto executor = net::prefer(net::get_associated_executor(handler, fallback),
                                net::execution::outstanding_work.tracked);
    auto shared = std::make_shared<Done>(std::move(handler));
    return [shared, executor](Result result) {
        net::dispatch(executor, [shared, result = std::move(result)]() mutable {
            std::move (*shared)(std::move(result));
        });
    };
}

} // namespace chain::detail
