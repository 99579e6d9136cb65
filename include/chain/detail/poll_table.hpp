// PollTable: which session a long-poll token belongs to.
#pragma once

#include <chain/detail/poll_answers.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace chain::detail {

class PollConnection;

/// The sessions of a LongPollTransport by their tokens, and what the clients of those that have
/// ended have not got yet. Thread-safe.
class PollTable {
  public:
    using Time = std::chrono::steady_clock::time_point;

    void add(const PollToken& token, std::weak_ptr<PollConnection> connection);
    /// The living session's, or null.
    std::shared_ptr<PollConnection> find(const PollToken& shown) const;
    /// A session has ended. Its last answer and these lines wait for its client, for so long; when
    /// more than `limit` bytes wait, those of the sessions that ended first are forgotten.
    /// @return how many lines that were, without those of answers that were given
    std::size_t end(PollAnswers answers, std::string unsent, Time now,
                    std::chrono::milliseconds keep, std::size_t limit);
    /// A poll for a session that has ended. @return the body of its answer, if something is left
    std::optional<std::string> last_words(const PollToken& shown, Time now, std::size_t limit);
    /// Forgets those whose time is over.
    void sweep(Time now);
    /// Has a session that has ended left something for its client?
    bool left_something(const PollToken& shown) const;
    /// Bytes that wait for clients of ended sessions.
    std::size_t waiting() const;

  private:
    struct Living {
        PollToken token;
        std::weak_ptr<PollConnection> connection;
    };
    struct Ended {
        PollAnswers answers;
        std::string unsent;
        Time until;
    };

    std::size_t forget_first(Time now, std::size_t limit);
    void forget(std::map<RandomId, Ended>::iterator ended) noexcept;
    static std::size_t size_of(const Ended& ended) noexcept;

    mutable std::mutex mutex_;
    std::map<RandomId, Living> living_;
    std::map<RandomId, Ended> ended_;
    std::deque<RandomId> order_; ///< In which they ended.
    std::size_t waiting_ = 0;
};

} // namespace chain::detail
