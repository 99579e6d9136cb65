// Clients in this process: what the gate and the micro-benchmarks share. Virtual time, no network.
#pragma once

#include <chain/chain.hpp>
#include <chain/testing/kit.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Takes everything, and counts bytes.
class Sink final : public chain::Connection {
  public:
    explicit Sink(chain::Framing framing) : framing_(framing) {}
    chain::Framing framing() const noexcept override { return framing_; }
    std::size_t write(std::string_view bytes) noexcept override {
        taken += bytes.size();
        return bytes.size();
    }
    void close(std::uint16_t, std::string_view, std::string) noexcept override {}

    static inline std::uint64_t taken = 0;

  private:
    chain::Framing framing_;
};

inline chain::Channel room() {
    chain::Channel room{"room:*"};
    room.on_join([](chain::Socket&, const chain::Payload&) { return chain::Reply::ok(); });
    room.on("shout", [](chain::Socket& socket, const chain::Payload& message) {
        socket.broadcast("shout", message);
    });
    room.on("others", [](chain::Socket& socket, const chain::Payload& message) {
        socket.broadcast_from("others", message);
    });
    room.on("echo", [](chain::Socket&, const chain::Payload& message) {
        return chain::Reply::ok(message);
    });
    return room;
}

/// A handler, and clients in this process that swallow what they are sent.
class Clients {
  public:
    explicit Clients(chain::Framing framing) : framing_(framing) { kit_.handler().add(room()); }

    std::size_t connect() {
        kit_.handler().connect(kit_.context(), {}, framing_, [this](chain::ConnectResult result) {
            connections_.push_back(std::make_shared<Sink>(framing_));
            sessions_.push_back(*result);
            sessions_.back().attach(connections_.back());
        });
        kit_.run();
        return sessions_.size() - 1;
    }
    void disconnect() {
        sessions_.back().detach(*connections_.back());
        sessions_.back().close(1001);
        kit_.run();
        sessions_.pop_back();
        connections_.pop_back();
    }
    void send(std::size_t client, std::string_view frame) {
        if (sessions_[client].dispatch(frame)) throw std::runtime_error{std::string{frame}};
    }
    void join(std::size_t client, const std::string& topic) {
        send(client, "[0,1,1,\"" + topic + "\",\"_join\",{}]");
        kit_.run();
    }
    void turn() { kit_.run(); }

  private:
    chain::Framing framing_;
    chain::testing::Kit kit_{chain::Handler{{.endpoint = "/socket"}}};
    std::vector<std::shared_ptr<Sink>> connections_;
    std::vector<chain::Session> sessions_;
};

/// A client's frame with a payload of 128 bytes, which a server has to scan.
inline std::string push(const std::string& topic, std::string_view event) {
    const std::string start = R"({"n":1234567,"from":"somebody","text":")";
    return "[0,1,2,\"" + topic + "\",\"" + std::string{event} + "\"," + start +
           std::string(128 - start.size() - 2, 'x') + "\"}]";
}

} // namespace bench
