// Definitions of <chain/detail/linger.hpp>.
#pragma once

#include <chain/detail/deadline.hpp>
#include <chain/detail/linger.hpp>

#include <array>
#include <memory>
#include <utility>

namespace chain::detail {

class Lingering : public std::enable_shared_from_this<Lingering> {
  public:
    Lingering(ByteStream& stream, std::function<void()> done)
        : stream_(stream), deadline_(stream), done_(std::move(done)) {}

    void start(std::chrono::milliseconds at_most) {
        deadline_.start(at_most);
        stream_.finish([self = shared_from_this()](error_code, std::size_t) { self->drop(); });
    }

  private:
    void drop() {
        stream_.drop_some(dropped_, [self = shared_from_this()](error_code failed, std::size_t) {
            failed ? self->end() : self->drop();
        });
    }
    void end() {
        deadline_.stop();
        std::exchange(done_, nullptr)();
    }

    ByteStream& stream_;
    Deadline deadline_;
    std::function<void()> done_;
    std::array<char, 4096> dropped_;
};

void linger(ByteStream& stream, std::chrono::milliseconds at_most, std::function<void()> done) {
    std::make_shared<Lingering>(stream, std::move(done))->start(at_most);
}

} // namespace chain::detail
