// A real Redis server for tests.
#pragma once

#include "node.hpp"
#include "process.hpp"

#include <chain/adapters/redis.hpp>

namespace test {

/// A redis-server of the test's own, with what it has on disk.
class RedisServer {
  public:
    explicit RedisServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
        start();
    }

    std::uint16_t port() const { return port_; }
    chain::RedisAddress address() const { return {"127.0.0.1", port_}; }
    const TemporaryFolder& folder() const { return folder_; }

    /// Starts it, at the port that it had before.
    void start() {
        std::vector<std::string> words{"redis-server", "--port",    std::to_string(port_),
                                       "--bind",       "127.0.0.1", "--dir",
                                       folder_.path(), "--save",    "",
                                       "--appendonly", "yes",       "--appendfsync",
                                       "always"};
        words.insert(words.end(), options_.begin(), options_.end());
        process_ = std::make_unique<Process>(std::move(words), folder_.file("log"));
        if (!eventually([this] { return listens(port_) && cli("PING") != ""; }))
            throw std::runtime_error("redis-server did not start");
    }
    /// Ends it without a goodbye.
    void kill() { process_->kill(); }
    void pause() const { process_->signal(SIGSTOP); }
    void resume() const { process_->signal(SIGCONT); }

    /// What redis-cli answers.
    std::string cli(const std::string& command) const {
        return output_of("redis-cli " + cli_options + " -p " + std::to_string(port_) + " " +
                         command + " 2>&1");
    }
    /// How many connections have subscribed to a channel.
    int subscribers(const std::string& channel) const {
        const auto answer = cli("PUBSUB NUMSUB '" + channel + "'");
        return std::stoi(answer.substr(answer.find('\n')));
    }

    std::string cli_options;

  private:
    TemporaryFolder folder_;
    std::uint16_t port_ = free_port();
    std::vector<std::string> options_;
    std::unique_ptr<Process> process_;
};

/// A port of 127.0.0.1 as an address.
inline chain::RedisAddress local(std::uint16_t port) { return {"127.0.0.1", port}; }

/// Settings that do not make a test wait.
inline chain::RedisConfig at(const chain::RedisAddress& address,
                             chain::RedisMode mode = chain::RedisMode::pubsub) {
    chain::RedisConfig config;
    config.server = address;
    config.mode = mode;
    config.grace = std::chrono::milliseconds(1);
    config.reconnect_max = std::chrono::milliseconds(200);
    return config;
}

inline Node::MakeAdapter with(const chain::RedisConfig& config) {
    return [config](const chain::net::any_io_executor& executor) {
        return std::make_shared<chain::RedisAdapter>(executor, config);
    };
}

} // namespace test
