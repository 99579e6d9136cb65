// Nodes that live by the clock, with presences, and what holds for them behind any broker.
#pragma once

#include "node.hpp"

#include <chain/presence.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// A handler with presences, its lane and its adapter on a thread of its own. Its lease is 1.5 s.
class LiveNode {
  public:
    static constexpr std::chrono::milliseconds lease{1500};

    LiveNode(const Node::MakeAdapter& make, const std::string& name)
        : work_(context_.get_executor()), watch(std::make_shared<BrokerWatch>()) {
        chain::HandlerConfig config;
        config.observer = watch;
        config.timeouts.node_lease = lease;
        handler.emplace(config);
        chain::PresenceConfig settings;
        settings.node = name;
        settings.on_change = [this](std::string_view, const chain::Json& diff, const chain::Json&) {
            joins += diff.at("joins").size();
            leaves += diff.at("leaves").size();
        };
        presence.emplace(*handler, settings);
        handler->pubsub().attach(make(context_.get_executor()));
        handler->use(context_);
        thread_ = std::thread([this] { context_.run(); });
    }
    ~LiveNode() {
        freeze();
        presence.reset();
        handler.reset();
    }
    LiveNode(const LiveNode&) = delete;
    LiveNode& operator=(const LiveNode&) = delete;

    bool ready() const {
        return eventually([this] { return handler->pubsub().ready(); });
    }
    /// It says and hears nothing any more, as a process that was killed.
    void freeze() {
        context_.stop();
        if (thread_.joinable()) thread_.join();
    }
    void track(const std::string& key) { presence->track({"room:a", key}, key); }
    void untrack(const std::string& key) { presence->untrack(chain::PresenceOwner{"room:a", key}); }
    std::set<std::string> keys() const {
        std::set<std::string> all;
        const auto list = presence->list("room:a");
        for (const auto& [key, entry] : list.items()) all.insert(key);
        return all;
    }

  private:
    chain::net::io_context context_{1};
    chain::net::executor_work_guard<chain::net::io_context::executor_type> work_;
    std::thread thread_;

  public:
    std::shared_ptr<BrokerWatch> watch;
    std::optional<chain::Handler> handler;
    std::optional<chain::Presence> presence;
    std::atomic<std::size_t> joins = 0, leaves = 0;
};

using LiveNodes = std::vector<std::unique_ptr<LiveNode>>;
using Keys = std::set<std::string>;

/// Waits until all nodes list exactly these keys. @return how long it took; nothing when it did not
/// come about
inline std::optional<std::chrono::milliseconds> all_list(const LiveNodes& nodes, const Keys& keys) {
    const auto start = std::chrono::steady_clock::now();
    const bool came = eventually([&] {
        return std::ranges::all_of(nodes, [&](const auto& node) { return node->keys() == keys; });
    });
    if (!came) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start);
}

/// Three nodes agree after joins, leaves, a restart and a death.
inline void agree_on_presence(const Node::MakeAdapter& make) {
    LiveNodes nodes;
    for (const auto* name : {"a", "b", "c"})
        nodes.push_back(std::make_unique<LiveNode>(make, name));
    Keys keys;
    const auto name = [](std::size_t node, int i) {
        return "user" + std::to_string(node) + "." + std::to_string(i);
    };
    for (std::size_t node = 0; node < 3; ++node) REQUIRE(nodes[node]->ready());
    for (int i = 0; i < 20; ++i)
        for (std::size_t node = 0; node < 3; ++node) {
            nodes[node]->track(name(node, i));
            keys.insert(name(node, i));
        }
    const auto joined = all_list(nodes, keys);
    REQUIRE(joined);
    for (int i = 0; i < 10; ++i)
        for (std::size_t node = 0; node < 3; ++node) {
            nodes[node]->untrack(name(node, i));
            keys.erase(name(node, i));
        }
    const auto left = all_list(nodes, keys);
    REQUIRE(left);

    nodes[2]->freeze();
    const auto dead = std::move(nodes[2]);
    nodes[2] = std::make_unique<LiveNode>(make, "c");
    nodes[2]->track("again");
    std::erase_if(keys, [](const auto& key) { return key.starts_with("user2."); });
    keys.insert("again");
    const auto restarted = all_list(nodes, keys);
    REQUIRE(restarted);

    nodes[1]->freeze();
    const auto killed = std::move(nodes[1]);
    nodes.erase(nodes.begin() + 1);
    std::erase_if(keys, [](const auto& key) { return key.starts_with("user1."); });
    const auto died = all_list(nodes, keys);
    REQUIRE(died);
    UNSCOPED_INFO("joins " << joined->count() << " ms, leaves " << left->count() << " ms, restart "
                           << restarted->count() << " ms, death " << died->count() << " ms");
    // Within 2 s, and the lease and a beat for the death; the rest is for slow machines.
    CHECK(std::max({*joined, *left, *restarted, *died}) < std::chrono::seconds(10));
}

/// The clients of all nodes: who is disconnected by name, and who is counted.
inline void reach_all_nodes(const Node::MakeAdapter& make) {
    Cluster cluster(3, make);
    REQUIRE(cluster.ready());
    REQUIRE(cluster.meet("room:a"));
    std::vector<chain::testing::Client> named;
    for (int i = 0; i < 3; ++i) {
        named.push_back(cluster[i].kit->connect());
        named.back().session().name("user:7");
        join(named.back(), "room:b");
    }
    std::optional<chain::TopicMembers> members;
    const auto ask = [&] {
        cluster.beat();
        members.reset();
        cluster[0].handler->async_members("room:b", std::chrono::seconds(10),
                                          [&](chain::TopicMembers all) { members = all; });
        const auto answered = [&] {
            cluster.listen();
            return members.has_value();
        };
        return eventually(answered) && members->answered == 3 && members->sockets == 3;
    };
    CHECK(eventually(ask)); // until it knows both others
    CHECK(members->names == Frames{"user:7"});
    std::optional<chain::SessionCount> count;
    const auto count_all = [&] {
        cluster.beat();
        count.reset();
        cluster[1].handler->async_count_sessions(std::chrono::seconds(10),
                                                 [&](chain::SessionCount all) { count = all; });
        const auto answered = [&] {
            cluster.listen();
            return count.has_value();
        };
        return eventually(answered) && count->answered == 3;
    };
    CHECK(eventually(count_all)); // until this node, too, knows both others
    CHECK(count->sessions == 6);

    CHECK_FALSE(cluster[2].handler->disconnect("user:7"));
    CHECK(eventually([&] {
        cluster.listen();
        return std::ranges::all_of(named,
                                   [](const auto& client) { return client.close_code() == 1001; });
    }));
    for (int i = 0; i < 3; ++i) CHECK(cluster[i].handler->sessions() == 1);
}

} // namespace test
