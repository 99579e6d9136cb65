// A client that polls, as phoenix.js does: one request at a time that waits, and POSTs beside it.
#pragma once

#include "raw_client.hpp"

#include <chain/json.hpp>

#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// An answer to a poll.
struct PollReply {
    int http = 0;
    int status = 0;
    std::string token;
    std::vector<std::string> messages;
    HttpReply raw;
};

inline PollReply read_poll(RawClient& client) {
    PollReply reply;
    reply.raw = client.read_http();
    reply.http = reply.raw.status;
    const auto json = chain::Json::parse(reply.raw.body);
    reply.status = json.at("status").get<int>();
    reply.token = json.value("token", "");
    reply.messages = json.value("messages", std::vector<std::string>());
    return reply;
}

/// The token of the same session in which the client has got the answer number `answer`.
inline std::string with_answer(const std::string& token, unsigned answer) {
    return token.substr(0, token.find('.') + 1) + std::to_string(answer);
}

inline unsigned answer_of(const std::string& token) {
    return static_cast<unsigned>(std::stoul(token.substr(token.find('.') + 1)));
}

class PollClient {
  public:
    explicit PollClient(std::uint16_t port, std::string query = {})
        : port_(port), query_(std::move(query)) {}

    std::string get(const std::string& headers = {}) const {
        return "GET /socket/longpoll" + query_ + " HTTP/1.1\r\nHost: test\r\n" + token_line() +
               headers + "\r\n";
    }
    std::string post(const std::string& body, const std::string& type = "application/x-ndjson",
                     const std::string& headers = {}) const {
        return "POST /socket/longpoll" + query_ + " HTTP/1.1\r\nHost: test\r\n" + token_line() +
               headers + (type.empty() ? "" : "Content-Type: " + type + "\r\n") +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    /// Asks, but does not wait for the answer.
    void ask() { poller().send(get()); }
    /// Takes the answer, and its token.
    PollReply answer() {
        auto reply = read_poll(poller());
        if (!reply.token.empty()) token = reply.token;
        if (reply.raw.header("connection") == "close") poller_.reset();
        return reply;
    }
    PollReply poll() {
        ask();
        return answer();
    }
    /// Opens a session.
    PollClient& open() {
        const auto reply = poll();
        if (reply.status != 410 || token.empty())
            throw std::runtime_error("no session: " + reply.raw.body);
        return *this;
    }
    /// Opens a session that has joined `topic` with join reference 1.
    PollClient& join(const std::string& topic) {
        open();
        if (say(R"([0,1,1,")" + topic + R"(","_join",{}])") != 200)
            throw std::runtime_error("the join was not taken");
        if (receive() != "[1,1,1,0,{}]") throw std::runtime_error("not joined");
        return *this;
    }
    /// @return the status
    int say(const std::string& body, const std::string& type = "application/x-ndjson") {
        return chain::Json::parse(posted(body, type).body).at("status").get<int>();
    }
    HttpReply posted(const std::string& body, const std::string& type = "application/x-ndjson",
                     const std::string& headers = {}) {
        if (!poster_) poster_.emplace(port_);
        auto reply = poster_->request(post(body, type, headers));
        if (reply.header("connection") == "close") poster_.reset();
        return reply;
    }
    /// The next message, for which it polls as long as it takes.
    std::string receive() {
        while (messages_.empty()) {
            const auto reply = poll();
            if (reply.status != 200 && reply.status != 204)
                throw std::runtime_error("the session is gone: " + reply.raw.body);
            messages_.insert(messages_.end(), reply.messages.begin(), reply.messages.end());
        }
        auto message = std::move(messages_.front());
        messages_.pop_front();
        return message;
    }

    RawClient& poller() {
        if (!poller_) poller_.emplace(port_);
        return *poller_;
    }
    /// Ends the connection of the polls, as a crashed peer does or as one that closes it.
    void hang_up(bool crashed = true) {
        if (crashed) poller().reset();
        poller_.reset();
    }

    std::string token; ///< Of the last answer.

  private:
    std::string token_line() const {
        return token.empty() ? std::string() : "X-Phoenix-Longpoll-Token: " + token + "\r\n";
    }

    std::uint16_t port_;
    std::string query_;
    std::optional<RawClient> poller_;
    std::optional<RawClient> poster_;
    std::deque<std::string> messages_;
};

/// Which of two clients that have asked is answered first. The answer is not taken.
inline PollClient* first_of(PollClient& one, PollClient& two) {
    pollfd waiting[2] = {{one.poller().fd(), POLLIN, 0}, {two.poller().fd(), POLLIN, 0}};
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    if (::poll(waiting, 2, static_cast<int>(limit.count())) == 0)
        throw std::runtime_error("neither is answered in time");
    return waiting[0].revents != 0 ? &one : &two;
}

/// Asks, and returns when the server has the poll: it has ended the wait of an older one.
inline void ask_and_wait(PollClient& client, std::uint16_t port) {
    PollClient older(port);
    older.token = client.token;
    older.ask();
    client.ask();
    while (first_of(client, older) == &client) {
        client.answer();
        client.ask();
    }
}

} // namespace test
