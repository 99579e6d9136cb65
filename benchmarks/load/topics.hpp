// The work over many topics: each has one subscriber, who is in several.
#pragma once

#include "ledger.hpp"
#include "swarm.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace bench {

/// Messages go to topics chosen at random among all, from the one connection that is in the topic.
class Topics final : public Work {
  public:
    Topics(const LoadOptions& options, Swarm& swarm) : options_{options}, swarm_{swarm} {
        const Ledger ledger{options.dialect.broadcast_tail(), options.window, options.size, 1};
        members_.assign(options.connections, Member{ledger});
    }

    /// Joins all but the first topic of each connection, which it joined when it came.
    void join() {
        joined_ = options_.connections;
        for (Connection& connection : swarm_.connections()) join_more(connection);
        if (!swarm_.run_until([this] { return joined_ == options_.rooms; }))
            throw std::runtime_error{"only " + std::to_string(joined_) + " topics were joined"};
    }

    /// Publishes up to a total of `last` messages; returns when all have arrived, or nothing moves
    /// any more.
    void publish_until(std::uint64_t last) {
        limit_ = last;
        on_turn();
        if (swarm_.run_until([this] { return completed_ == limit_ || swarm_.failed(); })) return;
        for (Member& member : members_) member.ledger.give_up(member.receiver);
        completed_ = published_;
    }

    void on_text(Connection& connection, std::string_view text) override {
        Member& member = members_[connection.index];
        if (limit_ == 0) {
            take_join(connection, text);
            return;
        }
        const std::uint64_t before = member.ledger.completed();
        member.ledger.receive(member.receiver, text);
        completed_ += member.ledger.completed() - before;
    }

    void on_turn() override {
        while (published_ < limit_ && published_ - completed_ < options_.window &&
               !swarm_.failed()) {
            publish(any_topic_(random_));
        }
    }

    std::uint64_t delivered() const {
        std::uint64_t sum = 0;
        for (const Member& member : members_) sum += member.ledger.delivered();
        return sum;
    }
    void add_errors(Errors& errors) const {
        for (const Member& member : members_) errors += member.ledger.errors();
    }

  private:
    static constexpr std::uint64_t joins_at_once = 32;

    struct Member {
        Ledger ledger;
        Receiver receiver = {};
        std::uint64_t asked = 1;  ///< To join.
        std::uint64_t joined = 1; ///< Of those.
    };

    /// The name of a connection's topic.
    std::string topic(const Connection& connection, std::uint64_t number) const {
        return swarm_.topic(connection.index + number * options_.connections);
    }

    void join_more(Connection& connection) {
        Member& member = members_[connection.index];
        const std::uint64_t end =
            std::min(member.asked + joins_at_once, options_.rooms / options_.connections);
        burst_.clear();
        for (; member.asked < end; ++member.asked)
            swarm_.append_text(burst_, options_.dialect.join(topic(connection, member.asked)));
        if (!burst_.empty()) swarm_.send_bytes(connection, burst_);
    }

    void take_join(Connection& connection, std::string_view text) {
        Member& member = members_[connection.index];
        if (!text.starts_with(options_.dialect.reply_head(topic(connection, member.joined), 1)))
            ++swarm_.errors().unexpected;
        ++joined_;
        if (++member.joined == member.asked) join_more(connection);
    }

    void publish(std::uint64_t number) {
        const std::string topic = swarm_.topic(number);
        const std::size_t index = number % options_.connections;
        const std::string_view payload =
            members_[index].ledger.publish(options_.dialect.broadcast_head(topic));
        swarm_.send_text(swarm_.connections()[index],
                         options_.dialect.push(topic, "shout", ++published_ + 1, payload));
    }

    const LoadOptions& options_;
    Swarm& swarm_;
    std::vector<Member> members_;
    std::mt19937_64 random_; ///< The same in each run.
    std::uniform_int_distribution<std::uint64_t> any_topic_{0, options_.rooms - 1};
    std::string burst_;
    std::uint64_t joined_ = 0;
    std::uint64_t limit_ = 0;
    std::uint64_t published_ = 0, completed_ = 0;
};

} // namespace bench
