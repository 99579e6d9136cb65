// A real NATS server for tests.
#pragma once

#include "node.hpp"
#include "process.hpp"

#include <chain/adapters/nats.hpp>

#include <fstream>

namespace test {

/// A nats-server of the test's own.
class NatsServer {
  public:
    /// @param config  more lines of the server's configuration
    explicit NatsServer(std::string config = "") : config_(std::move(config)) {
        std::ofstream(folder_.file("conf")) << config_;
        start();
    }

    std::uint16_t port() const { return port_; }
    std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
    void start() {
        process_ = std::make_unique<Process>(
            std::vector<std::string>{"nats-server", "-a", "127.0.0.1", "-p", std::to_string(port_),
                                     "-m", std::to_string(monitor_), "-c", folder_.file("conf")},
            folder_.file("log"));
        if (!eventually([this] { return listens(port_) && listens(monitor_); }))
            throw std::runtime_error("nats-server did not start");
    }
    void kill() { process_->kill(); }
    void pause() const { process_->signal(SIGSTOP); }
    void resume() const { process_->signal(SIGCONT); }

    /// How many subscriptions of this subject its connections have.
    std::size_t subscribers(const std::string& subject) const {
        RawClient client(monitor_);
        client.send("GET /connz?subs=1 HTTP/1.0\r\n\r\n");
        const auto text = client.read_to_end();
        std::size_t count = 0;
        const auto wanted = '"' + subject + '"';
        for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
            ++count;
        return count;
    }
    /// Publishes as a program without any library does: the NATS protocol is text.
    void publish(const std::string& subject, const std::string& bytes) const {
        RawClient client(port_);
        client.send("CONNECT {\"verbose\":false}\r\nPUB " + subject + " " +
                    std::to_string(bytes.size()) + "\r\n" + bytes + "\r\nPING\r\n");
        while (client.rest().find("PONG") == std::string_view::npos && client.fill()) {
        }
    }

  private:
    TemporaryFolder folder_;
    std::string config_;
    std::uint16_t port_ = free_port();
    std::uint16_t monitor_ = free_port();
    std::unique_ptr<Process> process_;
};

/// Settings that do not make a test wait.
inline chain::NatsConfig nats_at(const std::string& url) {
    chain::NatsConfig config;
    config.servers = {url};
    config.grace = std::chrono::milliseconds(1);
    config.ping = std::chrono::milliseconds(500);
    config.reconnect = config.jitter = std::chrono::milliseconds(50);
    return config;
}

inline Node::MakeAdapter through(const chain::NatsConfig& config) {
    return [config](const chain::net::any_io_executor& executor) {
        return std::make_shared<chain::NatsAdapter>(executor, config);
    };
}

} // namespace test
