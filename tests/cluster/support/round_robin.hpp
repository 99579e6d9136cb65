// Clients of all transports and dialects behind a round-robin proxy and three nodes, which all talk
// and all hear one another. CHAIN_CLUSTER_CLIENTS says how many there are (42 by default).
#pragma once

#include "any_client.hpp"
#include "haproxy.hpp"
#include "node.hpp"

#include "support/catch.hpp"

#include <chain/detail/forwards.hpp>
#include <chain/transports/longpoll.hpp>
#include <chain/transports/sse.hpp>
#include <chain/transports/websocket.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace test {

inline constexpr int numbers_per_client = 10;

inline std::size_t clients_wanted() {
    const char* wanted = std::getenv("CHAIN_CLUSTER_CLIENTS");
    return wanted ? std::stoul(wanted) : 42;
}

/// Three nodes at one broker, and a proxy that takes them in turn.
class RoundRobin {
  public:
    explicit RoundRobin(const Node::MakeAdapter& make) {
        std::vector<std::uint16_t> ports;
        for (int i = 0; i < 3; ++i) {
            auto& node = nodes_.emplace_back(std::make_unique<TestServer>(room_of(i), config()));
            chain::LongPollConfig polls;
            polls.window = std::chrono::seconds(40); // a client that waits for the others polls not
            node->handler.add(std::make_shared<chain::WebSocketTransport>())
                .add(std::make_shared<chain::SseTransport>())
                .add(std::make_shared<chain::LongPollTransport>(polls));
            node->handler.pubsub().attach(make(node->executor()));
            ports.push_back(node->start().port());
        }
        proxy_.emplace(ports);
    }

    std::uint16_t port() const { return proxy_->port(); }
    bool ready() const {
        return eventually([this] {
            return std::ranges::all_of(
                nodes_, [](const auto& node) { return node->handler.pubsub().ready(); });
        });
    }
    /// Waits until each node hears all others in the room.
    bool hear_all() const {
        std::vector<RawClient> ears;
        for (const auto& node : nodes_) ears.push_back(node->member("room:a"));
        std::vector<std::set<int>> heard(nodes_.size());
        return eventually([&] {
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                nodes_[i]->handler.pubsub().broadcast("room:a", "hello",
                                                      {{"node", static_cast<int>(i)}});
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                for (int who = -1; who != static_cast<int>(i); heard[i].insert(who))
                    who = number_in(ears[i].receive(), "node");
            return std::ranges::all_of(
                heard, [&](const auto& nodes) { return nodes.size() == nodes_.size(); });
        });
    }
    /// For who looks into a failure.
    void print() const {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            const auto core = chain::detail::HandlerAccess::core(nodes_[i]->handler);
            const auto requests = chain::detail::Forwards::of(*core).under_way();
            std::fprintf(stderr, "node %zu: %zu sessions, %zu requests here, %zu sent on\n", i,
                         core->sessions().size(), requests.in, requests.out);
        }
    }

  private:
    /// Whoever joins is told the node, and what is said is told to all.
    static chain::Channel room_of(int node) {
        chain::Channel room{"room:*"};
        room.on_join([node](chain::Socket&, const chain::Json&) {
            return chain::Reply::ok({{"node", node}});
        });
        room.on("say", [node](chain::Socket& socket, const chain::Json& said) {
            socket.broadcast(
                "said", {{"node", node}, {"from", said.at("from")}, {"number", said.at("number")}});
        });
        return room;
    }
    /// Nothing is forgotten, however slow the machine is.
    static chain::HandlerConfig config() {
        using std::chrono::minutes;
        chain::HandlerConfig config;
        config.limits.kept_frames_per_session = 100'000;
        config.timeouts.kept_frames = minutes(30);
        config.timeouts.idle = minutes(30);
        config.timeouts.resume_window = minutes(5);
        config.timeouts.forward_silence = minutes(5);
        config.timeouts.forward = minutes(1); // so long may a node be kept from the CPU
        config.timeouts.node_lease = minutes(1);
        return config;
    }

    std::vector<std::unique_ptr<TestServer>> nodes_;
    std::optional<HaProxy> proxy_;
};

/// What one client has done and heard.
struct Story {
    int node = -1;
    std::map<int, std::vector<int>> heard; ///< Numbers by who said them.
    std::set<int> nodes;                   ///< Where it was said.
    std::string failed;
    std::atomic<const char*> doing = "connects";
    std::atomic<std::size_t> received = 0;
};

/// Each client joins; when all have, it says its numbers, and hears everybody's.
class Talk {
  public:
    Talk(std::size_t clients, const RoundRobin& cluster) : stories_(clients), cluster_(cluster) {
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < clients; ++i) threads.emplace_back([this, i] { run(i); });
        std::thread watch([this] { report_stalls(); });
        signal_.wait([&] { return joined_ == stories_.size(); });
        const bool all = cluster.hear_all();
        signal_.change([&] { open_ = all; });
        for (auto& thread : threads) thread.join();
        signal_.change([&] { over_ = true; });
        watch.join();
    }
    const std::vector<Story>& stories() const { return stories_; }

  private:
    void run(std::size_t number) {
        auto& story = stories_[number];
        try {
            const auto client = any_client(number, cluster_.port());
            story.doing = "joins";
            story.node = client->join();
            signal_.change([this] { ++joined_; });
            story.doing = "waits for the others";
            if (!signal_.wait([this] { return open_; })) throw std::runtime_error("not all joined");
            story.doing = "speaks";
            for (int i = 0; i < numbers_per_client; ++i) client->say(static_cast<int>(number), i);
            story.doing = "listens";
            hear(*client, story);
            story.doing = "is ready";
        } catch (const std::exception& error) {
            story.failed = error.what();
            std::fprintf(stderr, "client %zu %s: %s\n", number, story.doing.load(), error.what());
            signal_.change([this] { ++joined_; });
        }
    }

    void hear(AnyClient& client, Story& story) const {
        for (auto left = stories_.size() * numbers_per_client; left > 0;) {
            const auto frame = client.receive();
            if (frame.find("hello") != std::string::npos) continue;
            --left;
            ++story.received;
            story.nodes.insert(number_in(frame, "node"));
            story.heard[number_in(frame, "from")].push_back(number_in(frame, "number"));
        }
    }

    /// Tells what all wait for when nothing has come for 10 s.
    void report_stalls() {
        std::size_t before = 0;
        while (!signal_.wait_for(std::chrono::seconds(10), [this] { return over_; })) {
            std::size_t received = 0;
            for (const auto& story : stories_) received += story.received;
            if (std::exchange(before, received) != received) continue;
            cluster_.print();
            for (std::size_t i = 0; i < stories_.size(); ++i)
                std::fprintf(stderr, "client %zu %s, has heard %zu\n", i, stories_[i].doing.load(),
                             stories_[i].received.load());
        }
    }

    std::vector<Story> stories_;
    const RoundRobin& cluster_;
    Signal signal_;
    std::size_t joined_ = 0;
    bool open_ = false;
    bool over_ = false;
};

/// Has everybody heard everybody, once and in order, from every node on every node?
inline void check_talk(const Talk& talk) {
    std::vector<int> expected;
    for (int i = 0; i < numbers_per_client; ++i) expected.push_back(i);
    const std::set<int> all{0, 1, 2};
    std::set<int> nodes;
    for (const auto& story : talk.stories()) {
        CHECK(story.failed == "");
        CHECK(story.heard.size() == talk.stories().size());
        CHECK(std::ranges::all_of(story.heard,
                                  [&](const auto& heard) { return heard.second == expected; }));
        CHECK(story.nodes == all);
        nodes.insert(story.node);
    }
    CHECK(nodes == all);
}

/// Everybody talks with everybody over this broker.
inline void talk_over(const Node::MakeAdapter& make) {
    const RoundRobin cluster(make);
    REQUIRE(cluster.ready());
    const Talk talk(clients_wanted(), cluster);
    check_talk(talk);
}

} // namespace test
