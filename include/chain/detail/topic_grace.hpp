// TopicGrace: topics that nobody wants any more are kept for a while.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace chain::detail {

/// Puts off the end of topics: one that is wanted again within the grace period never ended. For
/// one serial executor.
class TopicGrace : public std::enable_shared_from_this<TopicGrace> {
  public:
    using Ended = std::function<void(const std::string& topic)>;

    TopicGrace(const boost::asio::any_io_executor& executor, std::chrono::milliseconds grace,
               Ended ended);

    /// The topic is wanted. @return true when it is new, false when it had not ended yet
    bool begin(const std::string& topic);
    /// It is not wanted any more.
    void end(const std::string& topic);
    /// Nothing ends any more.
    void stop();

  private:
    using Clock = std::chrono::steady_clock;
    struct Leaving {
        Clock::time_point due;
        std::string topic;
        std::uint64_t number;
    };

    void wait();
    void end_due();

    std::chrono::milliseconds grace_;
    Ended ended_;
    boost::asio::basic_waitable_timer<Clock> timer_;
    std::deque<Leaving> queue_; ///< The first to end first.
    /// Topics in their grace period, with the number of their entry in the queue.
    std::unordered_map<std::string, std::uint64_t> leaving_;
    std::uint64_t count_ = 0;
};

} // namespace chain::detail
