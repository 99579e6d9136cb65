// The kinds of work: fan-out, requests, coming and going.
#pragma once

#include "ledger.hpp"
#include "swarm.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <string>
#include <vector>

namespace bench {

/// Does nothing; whatever comes is unexpected.
class Rest final : public Work {
  public:
    explicit Rest(Swarm& swarm) : swarm_{swarm} {}
    void on_text(Connection&, std::string_view) override { ++swarm_.errors().unexpected; }

  private:
    Swarm& swarm_;
};

/// In each room the first connection publishes, and all of them receive.
class FanOut final : public Work {
  public:
    FanOut(const LoadOptions& options, Swarm& swarm)
        : options_{options}, swarm_{swarm}, receivers_(options.sessions()) {
        for (std::uint64_t room = 0; room < options.rooms; ++room) {
            const std::uint64_t members =
                options.sessions() / options.rooms + (room < options.sessions() % options.rooms);
            ledgers_.emplace_back(options.dialect.broadcast_tail(), options.window, options.size,
                                  members - (room == 0 ? options.deaf : 0));
        }
    }

    /// Publishes up to a total of `last` messages; returns when everyone has all of them, or
    /// nothing moves any more.
    void publish_until(std::uint64_t last) {
        limit_ = last / options_.rooms;
        on_turn();
        const auto done = [this] {
            return swarm_.failed() || std::ranges::all_of(ledgers_, [this](const Ledger& ledger) {
                       return ledger.completed() == limit_;
                   });
        };
        if (swarm_.run_until(done)) return;
        for (const Connection& connection : swarm_.connections())
            if (!connection.deaf) ledgers_[connection.room].give_up(receivers_[connection.index]);
    }

    void on_text(Connection& connection, std::string_view text) override {
        ledgers_[connection.room].receive(receivers_[connection.index], text);
    }

    void on_turn() override {
        if (limit_ == 0) return;
        for (std::uint64_t room = 0; room < options_.rooms; ++room) publish(room);
    }

    std::uint64_t delivered() const {
        std::uint64_t sum = 0;
        for (const Ledger& ledger : ledgers_) sum += ledger.delivered();
        return sum;
    }
    void add_errors(Errors& errors) const {
        for (const Ledger& ledger : ledgers_) errors += ledger.errors();
    }

  private:
    void publish(std::uint64_t room) {
        Ledger& ledger = ledgers_[room];
        Connection& publisher = swarm_.connections()[room];
        if (publisher.stage != Stage::joined) return;
        burst_.clear();
        while (ledger.published() < limit_ && ledger.may_publish()) {
            const std::uint64_t ref = ledger.published() + 2;
            const std::string topic = swarm_.topic(room);
            const std::string_view payload = ledger.publish(options_.dialect.broadcast_head(topic));
            swarm_.append_text(burst_, options_.dialect.push(topic, "shout", ref, payload));
        }
        if (!burst_.empty()) swarm_.send_bytes(publisher, burst_);
    }

    const LoadOptions& options_;
    Swarm& swarm_;
    std::vector<Receiver> receivers_;
    std::deque<Ledger> ledgers_;
    std::string burst_;
    std::uint64_t limit_ = 0; ///< In each room.
};

/// Every connection keeps so many requests open; the replies have to come in order.
class Requests final : public Work {
  public:
    Requests(const LoadOptions& options, Swarm& swarm)
        : options_{options}, swarm_{swarm}, clients_(options.sessions()) {
        const std::string start = R"({"from":"somebody","n":1234567,"text":")";
        payload_ = start + std::string(options.size - start.size() - 2, 'x') + "\"}";
    }

    /// Asks up to a total of `last` requests; returns when all are answered.
    void ask_until(std::uint64_t last) {
        limit_ = last / clients_.size();
        finished_ = 0;
        for (Connection& connection : swarm_.connections()) ask(connection);
        const auto done = [this] { return swarm_.failed() || finished_ == clients_.size(); };
        if (!swarm_.run_until(done)) swarm_.errors().lost += 1;
    }

    void on_text(Connection& connection, std::string_view text) override {
        Client& client = clients_[connection.index];
        const std::string head =
            options_.dialect.reply_head(swarm_.topic(connection), client.answered + 2);
        const std::string tail = options_.dialect.reply_tail(client.answered + 2);
        if (text.size() != head.size() + payload_.size() + tail.size() || !text.starts_with(head) ||
            text.substr(head.size(), payload_.size()) != payload_ || !text.ends_with(tail)) {
            ++swarm_.errors().corrupt;
        }
        ++answered_;
        if (++client.answered == limit_) ++finished_;
        waiting_.push_back(&connection);
    }

    void on_turn() override {
        for (Connection* connection : waiting_) ask(*connection);
        waiting_.clear();
    }

    std::uint64_t answered() const { return answered_; }

  private:
    struct Client {
        std::uint64_t asked = 0;
        std::uint64_t answered = 0;
    };

    void ask(Connection& connection) {
        Client& client = clients_[connection.index];
        burst_.clear();
        for (; client.asked < limit_ && client.asked - client.answered < options_.window;
             ++client.asked) {
            swarm_.append_text(burst_, options_.dialect.push(swarm_.topic(connection), "echo",
                                                             client.asked + 2, payload_));
        }
        if (!burst_.empty()) swarm_.send_bytes(connection, burst_);
    }

    const LoadOptions& options_;
    Swarm& swarm_;
    std::vector<Client> clients_;
    std::vector<Connection*> waiting_;
    std::string payload_;
    std::string burst_;
    std::uint64_t limit_ = 0; ///< Of each client.
    std::uint64_t answered_ = 0;
    std::size_t finished_ = 0;
};

/// Connections come, join, leave, close, and come again.
class Churn final : public Work {
  public:
    Churn(const LoadOptions& options, Swarm& swarm) : options_{options}, swarm_{swarm} {}

    /// Lets connections come up to a total of `last`; returns when all have gone.
    void churn_until(std::uint64_t last) {
        limit_ = last;
        while (swarm_.connections().size() < at_once && started_ < limit_) {
            ++started_;
            swarm_.open_one();
        }
        for (Connection& connection : swarm_.connections()) start(connection);
        if (!swarm_.run_until([this] { return done_ == limit_; })) swarm_.errors().lost += 1;
    }

    void on_joined(Connection& connection) override {
        connection.stage = Stage::leaving;
        swarm_.send_text(connection, options_.dialect.leave(swarm_.topic(connection)));
    }

    void on_text(Connection& connection, std::string_view text) override {
        if (!text.starts_with(options_.dialect.reply_head(swarm_.topic(connection), 2)))
            ++swarm_.errors().unexpected;
        swarm_.drop(connection);
        ++done_;
        gone_.push_back(&connection);
    }

    void on_turn() override {
        for (Connection* connection : gone_) start(*connection);
        gone_.clear();
    }

    std::uint64_t gone() const { return done_; }

  private:
    static constexpr std::size_t at_once = 32;

    void start(Connection& connection) {
        if (connection.stage != Stage::closed || started_ == limit_) return;
        ++started_;
        swarm_.reopen(connection);
    }

    const LoadOptions& options_;
    Swarm& swarm_;
    std::vector<Connection*> gone_;
    std::uint64_t limit_ = 0, started_ = 0, done_ = 0;
};

/// All join one topic, whose channel tracks each as `u<number>`; all hear of all.
class Storm final : public Work {
  public:
    Storm(const LoadOptions& options, Swarm& swarm)
        : swarm_{swarm}, seen_(options.sessions(), std::vector<bool>(options.sessions())),
          missing_{options.sessions() * options.sessions()} {}

    void run() {
        swarm_.join_all();
        if (!swarm_.run_until([this] { return missing_ == 0 || swarm_.failed(); }))
            swarm_.errors().lost += missing_;
    }

    void on_text(Connection& connection, std::string_view text) override {
        static constexpr std::string_view head = "\"u", tail = R"(":{"metas")";
        for (std::size_t at = 0; (at = text.find(head, at)) != text.npos;) {
            at += head.size();
            std::size_t number = 0;
            const auto end = std::from_chars(text.data() + at, text.data() + text.size(), number);
            const bool known = number < seen_.size();
            if (text.substr(static_cast<std::size_t>(end.ptr - text.data())).starts_with(tail))
                known ? see(connection.index, number) : void(++swarm_.errors().corrupt);
        }
    }

  private:
    void see(std::size_t who, std::size_t whom) {
        if (!seen_[who][whom]) --missing_;
        seen_[who][whom] = true;
    }

    Swarm& swarm_;
    std::vector<std::vector<bool>> seen_;
    std::size_t missing_;
};

} // namespace bench
