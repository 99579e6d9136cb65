// Many clients, read by one thread, which checks what they get as it comes.
#pragma once

#include "raw_client.hpp"

#include <sys/epoll.h>

#include <cstddef>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// The frames that each of many clients must get: `[2,"TOPIC","say",0]`, 1, 2 and so on, each once
/// and in order.
class Counting {
  public:
    explicit Counting(const std::string& topic) : prefix_(R"([2,")" + topic + R"(","say",)") {}

    /// Takes the next frame. @return what is wrong with it, or nothing
    std::string take(const std::string& frame) {
        const auto expected = prefix_ + std::to_string(got_++) + "]";
        return frame == expected ? std::string() : frame + " instead of " + expected;
    }
    std::size_t got() const { return got_; }

  private:
    std::string prefix_;
    std::size_t got_ = 0;
};

/// So many clients of a topic.
template <class Reader>
std::vector<Reader> members(std::uint16_t port, std::size_t count, const std::string& topic) {
    std::vector<Reader> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(port, topic);
    return all;
}

/// Clients of type `Reader`, which has `fd()`; `begin()`, called on the thread that reads;
/// `read()`, called when something has come, which returns what is wrong; and `got()`.
template <class Reader>
class ManyReaders {
  public:
    explicit ManyReaders(std::vector<Reader> readers)
        : poll_(::epoll_create1(EPOLL_CLOEXEC)), readers_(std::move(readers)) {}
    ~ManyReaders() {
        if (thread_.joinable()) thread_.join();
        ::close(poll_);
    }
    ManyReaders(const ManyReaders&) = delete;
    ManyReaders& operator=(const ManyReaders&) = delete;

    /// Begins to read until each client has got `messages`, or one of them something else.
    void start(std::size_t messages) {
        wanted_ = messages;
        thread_ = std::thread([this] { run(); });
    }
    /// Waits for the end. @return what went wrong, or nothing
    const std::string& finish() {
        thread_.join();
        return wrong_;
    }

  private:
    void run() {
        for (std::size_t i = 0; i < readers_.size(); ++i) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(poll_, EPOLL_CTL_ADD, readers_[i].fd(), &event);
            readers_[i].begin();
        }
        const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
        auto left = readers_.size();
        while (left > 0 && wrong_.empty()) {
            epoll_event events[64];
            const int count = ::epoll_wait(poll_, events, 64, static_cast<int>(limit.count()));
            if (count == 0) wrong_ = "nothing more comes";
            for (int i = 0; i < count; ++i)
                if (read(readers_[events[i].data.u64])) --left;
        }
    }
    /// @return true when the reader has just got its last message
    bool read(Reader& reader) {
        const auto before = reader.got();
        try {
            if (auto wrong = reader.read(); !wrong.empty()) wrong_ = std::move(wrong);
        } catch (const std::exception& error) {
            wrong_ = std::string(error.what()).substr(0, 200);
        }
        return before < wanted_ && reader.got() >= wanted_;
    }

    int poll_;
    std::vector<Reader> readers_;
    std::thread thread_;
    std::size_t wanted_ = 0;
    std::string wrong_;
};

} // namespace test
