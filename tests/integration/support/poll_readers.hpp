// Many polling clients of one topic, read by one thread.
#pragma once

#include "many_readers.hpp"
#include "poll_client.hpp"

namespace test {

/// A client that has joined a topic and polls.
class PollReader {
  public:
    PollReader(std::uint16_t port, const std::string& topic) : client_(port), counting_(topic) {
        client_.join(topic);
    }

    int fd() { return client_.poller().fd(); }
    void begin() { client_.ask(); }
    std::size_t got() const { return counting_.got(); }
    std::string read() {
        const auto reply = client_.answer();
        if (reply.status != 200 && reply.status != 204) return reply.raw.body;
        for (const auto& message : reply.messages)
            if (auto wrong = counting_.take(message); !wrong.empty()) return wrong;
        client_.ask();
        return {};
    }

  private:
    PollClient client_;
    Counting counting_;
};

/// Clients that have joined a topic and poll.
class PollReaders : public ManyReaders<PollReader> {
  public:
    PollReaders(std::uint16_t port, std::size_t count, const std::string& topic)
        : ManyReaders(members<PollReader>(port, count, topic)) {}
};

} // namespace test
