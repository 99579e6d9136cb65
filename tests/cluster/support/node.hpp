// Nodes of a cluster in one process, and what they say of their broker.
#pragma once

#include "../../integration/support/test_server.hpp"
#include "process.hpp"
#include "support/core.hpp"

#include <chain/adapter.hpp>
#include <chain/testing/kit.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace test {

/// Counts what is said of the broker. Thread-safe.
class BrokerWatch final : public chain::Observer {
  public:
    Signal signal;
    std::atomic<std::size_t> ups = 0, downs = 0, lost = 0, lost_reports = 0, bad = 0;

    void adapter_up(std::string_view) override {
        signal.change([this] { ++ups; });
    }
    void adapter_down(std::string_view, chain::error_code why, std::string_view text) override {
        signal.change([&] {
            ++downs;
            reasons_.push_back(why.message() + " " + std::string(text));
        });
    }
    void adapter_lost(std::string_view, std::size_t count, chain::error_code) override {
        signal.change([&] {
            lost += count;
            ++lost_reports;
        });
    }
    void bad_frame(chain::error_code) override {
        signal.change([this] { ++bad; });
    }
    std::vector<std::string> reasons() const { return signal.copy(reasons_); }

  private:
    std::vector<std::string> reasons_;
};

/// A handler with a room, clients in memory, and an adapter that runs on a thread of its own.
class Node {
  public:
    using MakeAdapter = std::function<std::shared_ptr<chain::Adapter>(chain::net::any_io_executor)>;

    explicit Node(const MakeAdapter& make)
        : work_(context_.get_executor()), thread_([this] { context_.run(); }),
          watch(std::make_shared<BrokerWatch>()) {
        chain::HandlerConfig config;
        config.observer = watch;
        handler.emplace(config);
        room.on_join([](chain::Socket&) {});
        room.subscribe("room:*", "update");
        handler->add(room);
        handler->pubsub().attach(make(context_.get_executor()));
        kit.emplace(*handler);
    }
    ~Node() {
        clients_.clear();
        kit.reset();
        handler.reset();
        context_.stop();
        thread_.join();
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Waits until the broker can be reached.
    bool ready() const {
        return eventually([this] { return handler->pubsub().ready(); });
    }
    /// Joins a client whose frames `seen` counts.
    void member(const std::string& topic) {
        clients_.push_back(kit->connect());
        join(clients_.back(), topic);
    }
    /// The first client leaves its topic.
    void leave(const std::string& topic) {
        clients_.front().send(frame(1, 9, topic, "_leave"));
        clients_.front().receive_all();
    }
    /// All clients leave.
    void leave_all(const std::string& topic) {
        for (auto& client : clients_) client.send(frame(1, 9, topic, "_leave"));
        clients_.clear();
    }
    chain::error_code say(const std::string& topic, const std::string& event, int from,
                          int number) {
        return handler->pubsub().broadcast(topic, event, {from, number});
    }
    /// What the first client has heard since the last call.
    Frames heard() {
        kit->run();
        return clients_.front().receive_all();
    }
    /// What the first client hears until there are so many frames.
    Frames await(std::size_t count) {
        Frames all;
        eventually([&] {
            for (auto& text : heard()) all.push_back(std::move(text));
            return all.size() >= count;
        });
        return all;
    }
    /// Takes in what has come: the numbers of the event `n`, by topic and sender, and which senders
    /// were heard at all.
    void listen() {
        kit->run();
        for (auto& client : clients_)
            for (const auto& text : client.receive_all()) {
                const auto parts = chain::Json::parse(text);
                if (parts[0] != 2 || !parts[3].is_array()) continue;
                const auto topic = parts[1].get<std::string>();
                const auto from = parts[3][0].get<int>();
                if (parts[2] == "n")
                    numbers[topic][from].push_back(parts[3][1].get<int>());
                else
                    greeted[topic].insert(from);
            }
    }

  private:
    chain::net::io_context context_;
    chain::net::executor_work_guard<chain::net::io_context::executor_type> work_;
    std::thread thread_;
    std::vector<chain::testing::Client> clients_;

  public:
    std::shared_ptr<BrokerWatch> watch;
    chain::Channel room{"room:*"};
    std::optional<chain::Handler> handler;
    std::optional<chain::testing::Kit> kit;
    std::map<std::string, std::map<int, std::vector<int>>> numbers;
    std::map<std::string, std::set<int>> greeted;
};

/// Several nodes with the same kind of adapter.
class Cluster {
  public:
    Cluster(int size, const Node::MakeAdapter& make) {
        for (int i = 0; i < size; ++i) nodes_.push_back(std::make_unique<Node>(make));
    }
    Node& operator[](int i) { return *nodes_[static_cast<std::size_t>(i)]; }
    int size() const { return static_cast<int>(nodes_.size()); }

    void listen() {
        for (const auto& node : nodes_) node->listen();
    }
    /// Each node shows the others that it lives. It does so by the clock of its kit, which stands
    /// still otherwise; the first time may have been before the others were listening.
    void beat() {
        for (const auto& node : nodes_) node->kit->advance(std::chrono::seconds(1));
    }
    bool ready() {
        return std::ranges::all_of(nodes_, [](const auto& node) { return node->ready(); });
    }
    /// A client on each node joins the topic; waits until each hears all others.
    bool meet(const std::string& topic) {
        for (const auto& node : nodes_) node->member(topic);
        return hear_all(topic);
    }
    /// Waits until each node hears all others.
    bool hear_all(const std::string& topic) {
        for (const auto& node : nodes_) node->greeted[topic].clear();
        return eventually([&] {
            for (int i = 0; i < size(); ++i) (*this)[i].say(topic, "hello", i, 0);
            listen();
            return std::ranges::all_of(nodes_, [&](const auto& node) {
                return static_cast<int>(node->greeted[topic].size()) == size();
            });
        });
    }
    /// Waits until each node has heard so many numbers of each of the first `senders` nodes.
    bool heard(const std::string& topic, int count, int senders) {
        return eventually([&] {
            listen();
            return std::ranges::all_of(nodes_, [&](const auto& node) {
                for (int i = 0; i < senders; ++i)
                    if (static_cast<int>(node->numbers[topic][i].size()) < count) return false;
                return true;
            });
        });
    }
    /// The first `senders` nodes say 0, 1, … `count` - 1 in turn. Does each node hear them once, in
    /// order?
    bool exchange(const std::string& topic, int count, int senders) {
        for (int i = 0; i < count; ++i)
            for (int from = 0; from < senders; ++from)
                if ((*this)[from].say(topic, "n", from, i)) return false;
        return heard(topic, count, senders) && exact(topic, count, senders);
    }
    /// Has each node heard 0, 1, … `count` - 1 of each of the first `senders` nodes: once, and in
    /// order?
    bool exact(const std::string& topic, int count, int senders) {
        listen();
        std::vector<int> expected;
        for (int i = 0; i < count; ++i) expected.push_back(i);
        return std::ranges::all_of(nodes_, [&](const auto& node) {
            for (int i = 0; i < senders; ++i)
                if (node->numbers[topic][i] != expected) return false;
            return true;
        });
    }

  private:
    std::vector<std::unique_ptr<Node>> nodes_;
};

} // namespace test
