// Wire: a client's connection that never blocks, so that one thread can work hundreds.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace swarm {

using Clock = std::chrono::steady_clock;
using Random = std::minstd_rand;

/// A number below `end`.
inline unsigned below(Random& random, unsigned end) {
    return std::uniform_int_distribution<unsigned>(0, end - 1)(random);
}

class Wire {
  public:
    Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    ~Wire() { close(); }

    bool open(std::uint16_t port, int receive_buffer = 0);
    bool is_open() const { return fd_ >= 0; }
    /// Ends it, in an orderly way or with a reset.
    void close(bool reset = false);
    void send(std::string_view bytes) { out_ += bytes; }
    /// Sends and, unless the client takes a rest, receives what it can. @return false when the peer
    /// has ended it; what had come before is in `in`.
    bool pump(bool reading = true);

    std::string in;

  private:
    int fd_ = -1;
    std::string out_;
};

/// The head of an HTTP answer at the front of `in`, whose body is there.
struct Answer {
    int status = 0;
    std::string body;
};
/// Takes an HTTP answer with a Content-Length off the front. @return false when it is not whole
bool take_answer(std::string& in, Answer& answer);
/// Takes only the head of one. @return its status, 0 when it is not whole
int take_head(std::string& in);
/// Takes a WebSocket frame off the front. @return false when it is not whole
bool take_frame(std::string& in, unsigned char& first, std::string& payload);
/// A request to upgrade.
std::string upgrade(const std::string& target);
std::string get(const std::string& target);
std::string post(const std::string& target, const std::string& body, const std::string& headers);

} // namespace swarm
