// The load generator's clients: one thread, one epoll set, a WebSocket client of their own.
#pragma once

#include "ledger.hpp"
#include "load_options.hpp"
#include "net.hpp"
#include "websocket.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

/// All connections. Connection 0 is the publisher.
class Swarm {
  public:
    Swarm(const LoadOptions& options, Ledger& ledger) : options_{options}, ledger_{ledger} {}

    /// Opens connections until there are `count`; returns when all of them have joined.
    void open(std::size_t count) {
        wanted_ = count;
        open_some();
        if (!run_until([this, count] { return joined_ == count; })) {
            throw std::runtime_error{"only " + std::to_string(joined_) + " of " +
                                     std::to_string(count) + " sessions could join"};
        }
    }

    /// Publishes up to a total of `last` messages; returns when everyone has all of them, or
    /// nothing moves any more.
    void publish_until(std::uint64_t last) {
        publish_limit_ = last;
        publish_some();
        if (run_until([this, last] { return ledger_.completed() == last || failed(); })) return;
        for (Connection& connection : connections_) ledger_.give_up(connection.receiver);
    }

    /// Serves the connections for a while.
    void linger(std::chrono::milliseconds time) {
        const auto end = Clock::now() + time;
        while (Clock::now() < end) turn(10);
    }

    bool failed() const { return ledger_.errors().closed != 0; }

    /// How often a read brought something: deliveries per read tell how well the server batches.
    std::uint64_t reads() const { return reads_; }

  private:
    enum class Stage { connecting, upgrading, joining, joined, closed };

    struct Connection {
        Fd fd;
        Stage stage = Stage::connecting;
        Receiver receiver;
        std::string unread;
        std::string unsent;
        bool waits_for_room = false;
    };

    static constexpr std::size_t opening_at_once = 64;
    static constexpr std::size_t connections_per_address = 10'000; // of about 28,000 local ports
    static constexpr std::uint32_t first_address = 0x7f000002;
    static constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

    template <typename Done>
    bool run_until(Done done) {
        const std::chrono::seconds patience{options_.timeout};
        auto last_event = Clock::now();
        while (!done()) {
            if (turn(100)) {
                last_event = Clock::now();
            } else if (Clock::now() - last_event > patience) {
                return false;
            }
        }
        return true;
    }

    bool turn(int timeout_ms) {
        const auto events = epoll_.wait(timeout_ms);
        for (const epoll_event& event : events) {
            serve(*static_cast<Connection*>(event.data.ptr), event.events);
        }
        open_some();
        publish_some();
        return !events.empty();
    }

    void open_some() {
        while (connections_.size() < wanted_ && connections_.size() - joined_ < opening_at_once) {
            open_one();
        }
    }

    void open_one() {
        const std::size_t index = connections_.size();
        Connection& connection = connections_.emplace_back();
        connection.fd = tcp_socket();
        const int fd = connection.fd.get();
        set_option(fd, IPPROTO_TCP, TCP_NODELAY);
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        const auto source = static_cast<std::uint32_t>(index / connections_per_address);
        const sockaddr_in from = ipv4_address(first_address + source, 0);
        check(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from), "bind");
        const sockaddr_in to = ipv4_address(0x7f000001, static_cast<std::uint16_t>(options_.port));
        if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 &&
            errno != EINPROGRESS) {
            check(-1, "connect");
        }
        epoll_.add(fd, &connection, EPOLLOUT);
    }

    void serve(Connection& connection, std::uint32_t events) {
        if (connection.stage == Stage::connecting) {
            start_upgrade(connection);
            return;
        }
        if (events & EPOLLOUT) send_bytes(connection, std::exchange(connection.unsent, {}));
        if (events & ~std::uint32_t{EPOLLOUT}) receive(connection);
    }

    void start_upgrade(Connection& connection) {
        int error = 0;
        socklen_t size = sizeof error;
        check(getsockopt(connection.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
        if (error != 0) throw std::system_error{error, std::generic_category(), "connect"};
        connection.stage = Stage::upgrading;
        epoll_.modify(connection.fd.get(), &connection, EPOLLIN);
        send_bytes(connection, "GET " + std::string{options_.path()} +
                                   " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options_.port) +
                                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                                   std::string{key} + "\r\n\r\n");
    }

    void receive(Connection& connection) {
        const std::size_t kept = connection.unread.size();
        connection.unread.copy(buffer_.data(), kept);
        const ssize_t got =
            recv(connection.fd.get(), buffer_.data() + kept, buffer_.size() - kept, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            end(connection);
            return;
        }
        ++reads_;
        const std::size_t size = kept + static_cast<std::size_t>(got);
        std::size_t used =
            connection.stage == Stage::upgrading ? finish_upgrade(connection, size) : 0;
        if (connection.stage != Stage::upgrading) used += read_frames(connection, used, size);
        connection.unread.assign(buffer_.data() + used, size - used);
    }

    void end(Connection& connection) {
        if (connection.stage != Stage::joined) {
            throw std::runtime_error{"the server closed a connection before its join was answered"};
        }
        connection.stage = Stage::closed;
        connection.fd = Fd{};
        ++ledger_.errors().closed;
    }

    std::size_t finish_upgrade(Connection& connection, std::size_t size) {
        const std::string_view response{buffer_.data(), size};
        const std::size_t end = response.find("\r\n\r\n");
        if (end == response.npos) return 0;
        const std::string_view head = response.substr(0, end + 2);
        if (!head.starts_with("HTTP/1.1 101 ") ||
            header_value(head, "Sec-WebSocket-Accept") != accept_key(key)) {
            throw std::runtime_error{"the server refused the upgrade: " + std::string{head}};
        }
        connection.stage = Stage::joining;
        send_text(connection, R"([0,1,1,"room:1","_join",{}])");
        return end + 4;
    }

    std::size_t read_frames(Connection& connection, std::size_t from, std::size_t to) {
        std::size_t used = 0;
        while (connection.stage != Stage::closed) {
            const Frame frame = read_frame(buffer_.data() + from + used, to - from - used);
            if (frame.consumed == 0) break;
            used += frame.consumed;
            take_frame(connection, frame);
        }
        return used;
    }

    void take_frame(Connection& connection, const Frame& frame) {
        if (!frame.final || frame.masked) {
            ++ledger_.errors().corrupt;
        } else if (frame.opcode == Opcode::text) {
            take_text(connection, frame.payload);
        } else if (frame.opcode == Opcode::ping) {
            send_frame(connection, Opcode::pong, frame.payload);
        } else if (frame.opcode == Opcode::close) {
            end(connection);
        } else {
            ++ledger_.errors().unexpected;
        }
    }

    void take_text(Connection& connection, std::string_view text) {
        if (connection.stage == Stage::joined && text.starts_with("[2,")) {
            ledger_.receive(connection.receiver, text);
        } else if (connection.stage == Stage::joining && text.starts_with("[1,1,1,0,")) {
            connection.stage = Stage::joined;
            ++joined_;
        } else {
            ++ledger_.errors().unexpected;
        }
    }

    void publish_some() {
        if (ledger_.published() >= publish_limit_ || connections_[0].stage != Stage::joined) return;
        while (ledger_.published() < publish_limit_ && ledger_.may_publish()) {
            push_.assign("[0,1,").append(std::to_string(ledger_.published() + 2));
            push_.append(R"(,"room:1","shout",)").append(ledger_.publish()).append("]");
            append_client_frame(burst_, Opcode::text, push_, next_mask());
        }
        if (!burst_.empty()) send_bytes(connections_[0], burst_);
        burst_.clear();
    }

    void send_text(Connection& connection, std::string_view text) {
        send_frame(connection, Opcode::text, text);
    }

    void send_frame(Connection& connection, Opcode opcode, std::string_view payload) {
        std::string bytes;
        append_client_frame(bytes, opcode, payload, next_mask());
        send_bytes(connection, bytes);
    }

    void send_bytes(Connection& connection, std::string_view bytes) {
        if (!connection.unsent.empty()) {
            connection.unsent.append(bytes);
            return;
        }
        const ssize_t sent = send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return; // the next read finds the connection ended
        connection.unsent.assign(bytes.substr(sent < 0 ? 0 : sent));
        const std::uint32_t out = connection.unsent.empty() ? 0u : EPOLLOUT;
        if (out != 0 || connection.waits_for_room) {
            epoll_.modify(connection.fd.get(), &connection, EPOLLIN | out);
        }
        connection.waits_for_room = out != 0;
    }

    std::uint32_t next_mask() { return mask_ = mask_ * 1664525 + 1013904223; }

    const LoadOptions& options_;
    Ledger& ledger_;
    Epoll epoll_;
    std::deque<Connection> connections_;
    std::vector<char> buffer_ = std::vector<char>(1 << 20);
    std::string push_;
    std::string burst_;
    std::size_t wanted_ = 0;
    std::size_t joined_ = 0;
    std::uint64_t publish_limit_ = 0;
    std::uint64_t reads_ = 0;
    std::uint32_t mask_ = 1;
};

} // namespace bench
