// A place where coroutines wait until the test lets them go on.
#pragma once

#include "raw_client.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace test {

class Gate {
  public:
    /// Waits until the gate is open.
    boost::asio::awaitable<void> pass() {
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
            [this](auto handler) { arrive(std::move(handler)); }, boost::asio::use_awaitable);
    }
    /// Waits until so many coroutines have come. @return false when they do not in time
    bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return arrived_ >= count; });
    }
    void open() {
        std::vector<std::function<void()>> waiting;
        {
            const std::lock_guard lock(mutex_);
            open_ = true;
            waiting.swap(waiting_);
        }
        for (const auto& go_on : waiting) go_on();
    }

  private:
    template <class Handler>
    void arrive(Handler handler) {
        auto shared = std::make_shared<Handler>(std::move(handler));
        const auto executor = boost::asio::get_associated_executor(*shared);
        std::function<void()> go_on = [shared, executor] {
            boost::asio::post(executor, [shared] { std::move (*shared)(); });
        };
        bool now = false;
        {
            const std::lock_guard lock(mutex_);
            ++arrived_;
            now = open_;
            if (!now) waiting_.push_back(go_on);
            changed_.notify_all();
        }
        if (now) go_on();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::function<void()>> waiting_;
    std::size_t arrived_ = 0;
    bool open_ = false;
};

} // namespace test
