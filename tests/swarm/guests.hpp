// Guests: clients that cannot resume. They listen, fall behind, or break the rules.
#pragma once

#include "member.hpp"

namespace swarm {

/// A client of Phoenix's protocol over WebSocket or long-polling, in a room of members. It checks
/// that within one session nothing is left out, comes twice or comes late.
class PhoenixGuest {
  public:
    PhoenixGuest(unsigned seed, std::string room, std::uint16_t port, bool polls, Tally& tally)
        : room_(std::move(room)), port_(port), polls_(polls), heard_(tally), random_(seed) {}

    void turn(Clock::time_point now);
    void cut(Random& random);

  private:
    void connect();
    void read_socket();
    void work_poll();
    void begin_anew();
    void take(const chain::Json& frame);
    std::string join() const { return R"(["1","1",")" + room_ + R"(","phx_join",{}])"; }

    std::string room_;
    std::uint16_t port_;
    bool polls_;
    Sequence heard_;
    Random random_;
    Wire wire_;
    bool head_ = false;
    Clock::time_point retry_at_{};
    // Of long-polling: the newest token, and whether the room has to be joined.
    std::string token_;
    bool to_join_ = false, posting_ = false;
};

/// A client that joins a room and then reads nothing, until it has had enough.
class LazyGuest {
  public:
    LazyGuest(unsigned seed, std::string room, std::uint16_t port)
        : room_(std::move(room)), port_(port), random_(seed) {}
    void turn(Clock::time_point now);

  private:
    std::string room_;
    std::uint16_t port_;
    Random random_;
    Wire wire_;
    Clock::time_point until_{};
};

/// A client that sends what no client should, and comes again.
class Vandal {
  public:
    Vandal(unsigned seed, std::uint16_t port) : port_(port), random_(seed) {}
    void turn(Clock::time_point now);

  private:
    std::string nonsense();

    std::uint16_t port_;
    Random random_;
    Wire wire_;
    Clock::time_point until_{};
};

} // namespace swarm
