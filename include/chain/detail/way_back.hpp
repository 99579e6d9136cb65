// way_back: from any thread to what waits on an executor, whose context may go meanwhile.
#pragma once

#include <chain/detail/lane_service.hpp>
#include <chain/detail/visitors.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace chain::detail {

/// Something that waits on an executor for a result that may come from any thread. It goes on its
/// executor, and with the context of that at the latest.
template <class Result>
class WayBack final : public Visitor {
  public:
    using Waiting = std::function<void(Result)>;

    /// On the executor.
    /// @param otherwise  the result when none comes
    WayBack(const net::any_io_executor& executor, Result otherwise)
        : visitors_(net::use_service<LaneService>(net::query(executor, net::execution::context))
                        .visitors()),
          executor_(executor), otherwise_(std::move(otherwise)) {
        visitors_->add(*this);
    }
    ~WayBack() {
        go(std::move(otherwise_));
        visitors_->remove(*this);
    }

    /// The first result is the one that counts.
    void go(Result result) {
        visitors_->while_alive([&] {
            if (std::exchange(gone_, true)) return;
            result_ = std::move(result);
            if (waiting_) tell();
        });
    }
    /// The result, if it has come already; then nobody waits for it. On the executor.
    std::optional<Result> take() {
        std::optional<Result> taken;
        visitors_->while_alive([&] { taken = std::exchange(result_, std::nullopt); });
        return taken;
    }
    /// Tells `waiting` the result once it has come. On the executor.
    void wait(Waiting waiting) {
        visitors_->while_alive([&] {
            waiting_ = std::move(waiting);
            if (result_) tell();
        });
    }

    std::shared_ptr<void> context_gone() noexcept override {
        executor_ = nullptr; // a strand must not outlive its context
        return std::make_shared<Waiting>(std::exchange(waiting_, nullptr));
    }

  private:
    void tell() {
        net::post(std::exchange(executor_, nullptr),
                  [waiting = std::exchange(waiting_, nullptr),
                   result = std::move(*result_)]() mutable { waiting(std::move(result)); });
    }

    std::shared_ptr<Visitors> visitors_;
    net::any_io_executor executor_;
    Waiting waiting_; ///< Empty before it waits, and once it was told.
    std::optional<Result> result_;
    Result otherwise_;
    bool gone_ = false; ///< Has the first result come?
};

/// A function that calls `waiting` on `executor` with the result that it is given, on any thread.
/// When the executor's context goes first, `waiting` goes with it, and the result has nobody to
/// reach. When all copies of the function go without having been called, `waiting` is told
/// `otherwise`. On the executor.
template <class Result>
std::function<void(Result)> way_back(const net::any_io_executor& executor,
                                     std::function<void(Result)> waiting,
                                     std::type_identity_t<Result> otherwise) {
    auto way = std::make_shared<WayBack<Result>>(executor, std::move(otherwise));
    way->wait(std::move(waiting));
    return [way](Result result) { way->go(std::move(result)); };
}

} // namespace chain::detail
