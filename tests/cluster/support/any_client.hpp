// Clients over all transports and in all dialects, which talk about one thing: who said which
// number, and at which node.
#pragma once

#include "../../integration/support/phoenix_client.hpp"
#include "../../integration/support/poll_client.hpp"
#include "../../integration/support/resuming_client.hpp"

#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace test {

/// How a dialect writes what these clients say.
struct Words {
    std::string query; ///< Of the connection.
    std::string join;
    std::string say; ///< With `@` for the payload.
};

inline const Words chain_words{"", R"([0,1,1,"room:a","_join",{}])", R"([0,1,2,"room:a","say",@])"};
inline const Words phoenix_words{"?vsn=2.0.0", R"(["1","1","room:a","phx_join",{}])",
                                 R"(["1","2","room:a","say",@])"};
inline const Words old_phoenix_words{
    "?vsn=1.0.0", R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1","join_ref":"1"})",
    R"({"topic":"room:a","event":"say","payload":@,"ref":"2","join_ref":"1"})"};

/// A number of a frame's payload.
inline int number_in(std::string_view frame, const std::string& name) {
    const auto found = frame.find('"' + name + "\":");
    if (found == std::string_view::npos)
        throw std::runtime_error("no " + name + " in " + std::string(frame));
    return std::stoi(std::string(frame.substr(found + name.size() + 3, 12)));
}

/// A client whose requests and connections each reach the next node.
class AnyClient {
  public:
    explicit AnyClient(const Words& words) : words_(words) {}
    virtual ~AnyClient() = default;
    AnyClient(const AnyClient&) = delete;
    AnyClient& operator=(const AnyClient&) = delete;

    /// @return the node of its session
    int join() {
        send(words_.join);
        return number_in(receive(), "node");
    }
    void say(int from, int number) {
        auto text = words_.say;
        text.replace(text.find('@'), 1,
                     R"({"from":)" + std::to_string(from) + R"(,"number":)" +
                         std::to_string(number) + "}");
        send(text);
    }
    virtual std::string receive() = 0;

  private:
    virtual void send(const std::string& frame) = 0;

    const Words& words_;
};

/// Over WebSocket or SSE, in chain's dialect; its connection breaks now and then.
class ResumingAny final : public AnyClient {
  public:
    ResumingAny(std::uint16_t port, Carrier carrier)
        : AnyClient(chain_words), client_(port, carrier, carrier) {}
    std::string receive() override {
        if (++received_ % 100 == 20) reconnect();
        return client_.receive();
    }

  private:
    void send(const std::string& frame) override { client_.send(frame); }
    void reconnect() {
        const int before = client_.resumes();
        client_.reconnect();
        if (client_.resumes() == before)
            throw std::runtime_error("it was not resumed: " + client_.reason());
    }

    ResumingClient client_;
    int received_ = 0;
};

/// By long-polling, with a connection for each request.
class PollingAny final : public AnyClient {
  public:
    PollingAny(std::uint16_t port, const Words& words)
        : AnyClient(words), port_(port), query_(words.query), client_(port, query_) {
        client_.open();
    }
    std::string receive() override {
        while (messages_.empty()) {
            const auto reply = next().poll();
            if (reply.status != 200 && reply.status != 204)
                throw std::runtime_error("the session is gone: " + reply.raw.body);
            if (reply.status == 204 && ++idle_ > 6)
                throw std::runtime_error("nothing comes any more");
            messages_.insert(messages_.end(), reply.messages.begin(), reply.messages.end());
        }
        auto message = std::move(messages_.front());
        messages_.pop_front();
        return message;
    }

  private:
    void send(const std::string& frame) override {
        const auto reply = next().posted(frame);
        if (reply.body.find(R"("status":200)") == std::string::npos)
            throw std::runtime_error("a POST was refused: " + std::to_string(reply.status) + ' ' +
                                     reply.body);
    }
    PollClient& next() {
        PollClient other(port_, query_);
        other.token = client_.token;
        client_ = std::move(other);
        return client_;
    }

    std::uint16_t port_;
    std::string query_;
    PollClient client_;
    std::deque<std::string> messages_;
    int idle_ = 0; ///< Polls that brought nothing.
};

/// Over WebSocket in a dialect of Phoenix, which has no resume.
class PhoenixAny final : public AnyClient {
  public:
    PhoenixAny(std::uint16_t port, const Words& words)
        : AnyClient(words), client_(port, words.query) {}
    std::string receive() override { return client_.receive(); }

  private:
    void send(const std::string& frame) override { client_.send(frame); }

    PhoenixClient client_;
};

/// One of each kind in turn.
inline std::unique_ptr<AnyClient> any_client(std::size_t number, std::uint16_t port) {
    switch (number % 7) {
    case 0: return std::make_unique<ResumingAny>(port, Carrier::websocket);
    case 1: return std::make_unique<ResumingAny>(port, Carrier::sse);
    case 2: return std::make_unique<PollingAny>(port, chain_words);
    case 3: return std::make_unique<PhoenixAny>(port, phoenix_words);
    case 4: return std::make_unique<PollingAny>(port, phoenix_words);
    case 5: return std::make_unique<PhoenixAny>(port, old_phoenix_words);
    default: return std::make_unique<PollingAny>(port, old_phoenix_words);
    }
}

} // namespace test
