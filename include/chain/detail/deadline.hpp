// Deadline: ends the operations of a stream that take too long.
#pragma once

#include <chain/detail/byte_stream.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>

namespace chain::detail {

/// Ends the operations of a stream that take too long. Lives beside the stream, on its executor.
class Deadline {
  public:
    explicit Deadline(ByteStream& stream) noexcept : stream_(&stream) {}

    /// From now on, until `stop`.
    void start(std::chrono::milliseconds after) {
        timer_ = std::make_shared<net::steady_timer>(stream_->executor());
        wait(*stream_, timer_, after);
    }
    void stop() noexcept { timer_.reset(); }

  private:
    using Timer = std::shared_ptr<net::steady_timer>;

    /// Once is not enough: an operation of many steps may have been between two of them.
    static constexpr std::chrono::milliseconds again{20};

    static void wait(ByteStream& stream, const Timer& timer, std::chrono::milliseconds after) {
        timer->expires_after(after);
        timer->async_wait([&stream, weak = std::weak_ptr(timer)](error_code cancelled) {
            const auto living = weak.lock(); // not that of a wait that was stopped when it was over
            if (!living || cancelled) return;
            stream.cancel();
            wait(stream, living, again);
        });
    }

    ByteStream* stream_;
    Timer timer_;
};

} // namespace chain::detail
