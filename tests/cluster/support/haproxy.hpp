// HAProxy before several nodes.
#pragma once

#include "process.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

/// A HAProxy of the test's own: each request, and each WebSocket, goes to the next of these ports
/// of 127.0.0.1.
class HaProxy {
  public:
    explicit HaProxy(const std::vector<std::uint16_t>& nodes) {
        const auto file = folder_.file("haproxy.cfg");
        std::ofstream config(file);
        config << "defaults\n"
                  "    mode http\n"
                  "    balance roundrobin\n"
                  "    timeout connect 20s\n"
                  "    timeout client 10m\n"
                  "    timeout server 10m\n"
                  "    timeout tunnel 1h\n"
                  "frontend door\n"
                  "    bind 127.0.0.1:"
               << port_ << "\n    default_backend nodes\nbackend nodes\n";
        for (const auto port : nodes)
            config << "    server node-" << port << " 127.0.0.1:" << port << '\n';
        config.close();
        process_ = Process({program(), "-db", "-f", file}, folder_.file("log"));
        if (!eventually([this] { return listens(port_); }))
            throw std::runtime_error("haproxy did not start");
    }

    std::uint16_t port() const { return port_; }

  private:
    /// Debian has it where only administrators look.
    static std::string program() {
        const std::string debians = "/usr/sbin/haproxy";
        return std::filesystem::exists(debians) ? debians : "haproxy";
    }

    TemporaryFolder folder_;
    std::uint16_t port_ = free_port();
    Process process_;
};

} // namespace test
