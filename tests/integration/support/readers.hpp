// Many clients of one topic, read by one thread, which checks what they get as it comes.
#pragma once

#include "raw_client.hpp"

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// Clients that have joined a topic. Each must get the frames `[2,"TOPIC","say",0]`, 1, 2 and so
/// on, each once and in order.
class Readers {
  public:
    Readers(std::uint16_t port, std::size_t count, std::string topic)
        : prefix_(R"([2,")" + topic + R"(","say",)"), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t i = 0; i < count; ++i) {
            auto client = open_socket(port);
            client.send_text(R"([0,1,1,")" + topic + R"(","_join",{}])");
            if (client.receive() != "[1,1,1,0,{}]") throw std::runtime_error("not joined");
            readers_.push_back({std::move(client), 0});
        }
    }
    ~Readers() {
        if (thread_.joinable()) thread_.join();
        ::close(poll_);
    }
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;

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
    struct Reader {
        RawClient client;
        std::size_t got = 0;
    };

    void run() {
        for (std::size_t i = 0; i < readers_.size(); ++i) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            ::epoll_ctl(poll_, EPOLL_CTL_ADD, readers_[i].client.fd(), &event);
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
        if (!reader.client.fill()) {
            wrong_ = "the server ended the stream";
            return false;
        }
        const auto before = reader.got;
        while (whole_frame(reader.client.rest())) {
            const auto frame = reader.client.read_frame();
            if (frame->is_ping()) {
                reader.client.answer_ping(*frame);
                continue;
            }
            const auto expected = prefix_ + std::to_string(reader.got) + "]";
            if (frame->payload != expected) wrong_ = frame->payload + " instead of " + expected;
            ++reader.got;
        }
        return before < wanted_ && reader.got >= wanted_;
    }
    static bool whole_frame(std::string_view bytes) {
        return bytes.size() >= 2 && bytes.size() >= 2U + static_cast<unsigned char>(bytes[1]);
    }

    std::string prefix_;
    int poll_;
    std::vector<Reader> readers_;
    std::thread thread_;
    std::size_t wanted_ = 0;
    std::string wrong_;
};

} // namespace test
