// Member: a client that resumes, over WebSocket or server-sent events, with trouble on the way.
#pragma once

#include "wire.hpp"

#include <chain/json.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>

namespace swarm {

enum class Carrier { websocket, sse };

/// What all clients of a run report.
struct Tally {
    unsigned long received = 0;     ///< Numbered broadcasts.
    unsigned long lost = 0;         ///< Numbers that were left out.
    unsigned long twice = 0;        ///< Numbers that came again, or late.
    unsigned long resumed = 0;      ///< Connections that went on with their session.
    unsigned long not_resumed = 0;  ///< Those that could not, after a session was theirs.
    unsigned long cuts = 0;         ///< Connections that were cut on purpose.
    unsigned long cuts_early = 0;   ///< Of these, before the client was told of its session.
    unsigned long restarts = 0;     ///< Closes with which the server named a delay.
    unsigned long refused = 0;      ///< Connects that were answered with an error, or not at all.
    Clock::duration slowest{};      ///< From a connect until the client was told of its session.
    std::map<std::string, int> why; ///< Reasons why sessions were not resumed.
    std::vector<Clock::time_point> closes, attempts; ///< Of a deploy.
};

/// The numbers that came from each sender, which have to be consecutive.
class Sequence {
  public:
    explicit Sequence(Tally& tally) : tally_(&tally) {}

    void take(int from, int number) {
        const auto [last, first] = last_.try_emplace(from, number);
        ++tally_->received;
        if (first) return;
        if (number <= last->second) ++tally_->twice;
        if (number > last->second + 1)
            tally_->lost += static_cast<unsigned long>(number - last->second - 1);
        last->second = std::max(last->second, number);
    }
    /// A new session knows nothing of what was before.
    void forget() { last_.clear(); }
    int last(int from) const {
        const auto found = last_.find(from);
        return found == last_.end() ? -1 : found->second;
    }

  private:
    Tally* tally_;
    std::map<int, int> last_;
};

/// A client of the chain protocol that resumes. It publishes numbers in its room, and checks those
/// of the others.
class Member {
  public:
    Member(int id, std::string room, std::uint16_t port, Tally& tally);

    void turn(Clock::time_point now);
    /// Breaks its connection.
    void cut(Random& random);
    /// Reads nothing for a while.
    void rest_until(Clock::time_point time) { resting_ = time; }
    void publish();
    /// Sends something that ends a membership, or that no handler takes; not in its room.
    void misbehave(unsigned kind);
    /// The next connection is of this kind.
    void prefer(Carrier carrier) { next_ = carrier; }

    int id() const { return id_; }
    int published() const { return published_; }
    bool joined() const { return joined_; }
    /// It is connected and has joined, and everything that it sent was taken.
    bool settled() const { return greeted_ && joined_ && kept_.empty(); }
    /// How far it has come, to be told when it does not settle.
    const char* stage() const;
    const Sequence& heard() const { return heard_; }
    bool connected() const { return greeted_; }
    /// Replies with ok to what it published.
    int answered() const { return answered_; }

  private:
    void connect(Clock::time_point now);
    void broken(Clock::time_point now, std::chrono::milliseconds delay);
    void send(const std::string& frame);
    void transmit(const std::string& frame);
    void read_socket(Clock::time_point now);
    void read_stream(Clock::time_point now);
    void take(const std::string& text);
    void greet(const chain::Json& told);
    void confirm(unsigned count);
    void acknowledge();
    void work_post();

    int id_;
    std::string room_;
    std::uint16_t port_;
    Tally* tally_;
    Sequence heard_;
    Random random_;
    Carrier carrier_ = Carrier::websocket, next_ = Carrier::websocket;
    Wire wire_, poster_;
    bool head_ = false;    ///< The answer's head has come.
    bool greeted_ = false; ///< `_session` has come.
    bool joined_ = false, posting_ = false;
    std::optional<std::chrono::milliseconds> delay_; ///< Named by the server.
    Clock::time_point retry_at_{}, resting_{}, began_{};
    std::string token_, last_heartbeat_;
    std::deque<std::string> kept_; ///< Sent and not confirmed.
    unsigned sent_ = 0, received_ = 0, acknowledged_ = 0, attempt_ = 0, tries_ = 0;
    int published_ = 0, answered_ = 0, side_ = 0;
};

} // namespace swarm
