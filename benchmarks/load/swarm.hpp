// The load generator's connections: one thread, one epoll set, a WebSocket client of their own.
#pragma once

#include "../net.hpp"
#include "../websocket.hpp"
#include "ledger.hpp"
#include "options.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

enum class Stage { connecting, upgrading, greeting, joining, joined, leaving, closed };

struct Connection {
    Fd fd;
    std::size_t index = 0;
    std::uint64_t room = 0;
    Stage stage = Stage::connecting;
    std::string unread;
    std::string unsent;
    bool waits_for_room = false;
    bool deaf = false; ///< Once joined it reads no more.
};

/// What is done with connections that have joined.
class Work {
  public:
    virtual ~Work() = default;
    virtual void on_joined(Connection&) {}
    /// A text that came after the join's reply.
    virtual void on_text(Connection& connection, std::string_view text) = 0;
    /// Everything that was ready has been read.
    virtual void on_turn() {}
};

/// All connections.
class Swarm {
  public:
    explicit Swarm(const LoadOptions& options) : options_{options} {}

    /// Whose calls say what is done; before `open`.
    void serve(Work& work) { work_ = &work; }

    /// Opens connections until there are `count`; returns when all of them have joined.
    void open(std::size_t count) {
        wanted_ = count;
        open_some();
        if (!run_until([this, count] { return joined_ == count; })) {
            throw std::runtime_error{"only " + std::to_string(joined_) + " of " +
                                     std::to_string(count) + " sessions could join"};
        }
    }

    /// A new connection, which then joins.
    Connection& open_one() {
        Connection& connection = connections_.emplace_back();
        connection.index = connections_.size() - 1;
        connect(connection);
        return connection;
    }
    /// Connects a closed one anew.
    void reopen(Connection& connection) { connect(connection); }

    /// Ends a connection from this side.
    void drop(Connection& connection) {
        if (connection.stage == Stage::joined) --joined_;
        connection.stage = Stage::closed;
        connection.fd = Fd{};
    }
    void drop_all() {
        for (Connection& connection : connections_) drop(connection);
        connections_.clear();
        wanted_ = joined_ = 0;
    }

    /// @return false when nothing moved for the time-out.
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

    /// Serves the connections for a while.
    void linger(std::chrono::milliseconds time) {
        const auto end = Clock::now() + time;
        while (Clock::now() < end) turn(10);
    }

    void send_text(Connection& connection, std::string_view text) {
        send_frame(connection, Opcode::text, text);
    }
    /// Appends a frame to `bytes`, for `send_bytes`.
    void append_text(std::string& bytes, std::string_view text) {
        append_client_frame(bytes, Opcode::text, text, next_mask());
    }
    void send_bytes(Connection& connection, std::string_view bytes) {
        if (!connection.unsent.empty()) {
            connection.unsent.append(bytes);
            return;
        }
        const ssize_t sent = send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return; // the next read finds the connection ended
        connection.unsent.assign(bytes.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent)));
        const std::uint32_t out = connection.unsent.empty() ? 0u : EPOLLOUT;
        if (out != 0 || connection.waits_for_room) {
            epoll_.modify(connection.fd.get(), &connection, EPOLLIN | out);
        }
        connection.waits_for_room = out != 0;
    }

    std::string topic(const Connection& connection) const {
        return "room:" + std::to_string(connection.room);
    }

    std::deque<Connection>& connections() { return connections_; }
    Errors& errors() { return errors_; }
    bool failed() const { return errors_.closed != 0; }
    /// How often a read brought something: deliveries per read tell how well the server batches.
    std::uint64_t reads() const { return reads_; }

  private:
    static constexpr std::size_t opening_at_once = 64;
    static constexpr std::size_t connections_per_address = 10'000; // of about 28,000 local ports
    static constexpr std::uint32_t first_address = 0x7f000002;
    static constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

    bool turn(int timeout_ms) {
        const auto events = epoll_.wait(timeout_ms);
        for (const epoll_event& event : events) {
            serve(*static_cast<Connection*>(event.data.ptr), event.events);
        }
        open_some();
        work_->on_turn();
        return !events.empty();
    }

    void open_some() {
        while (connections_.size() < wanted_ && connections_.size() - joined_ < opening_at_once) {
            open_one();
        }
    }

    void connect(Connection& connection) {
        connection.room = connection.index % options_.rooms;
        connection.deaf =
            connection.index >= options_.rooms && connection.index < options_.rooms + options_.deaf;
        connection.stage = Stage::connecting;
        connection.unread.clear();
        connection.unsent.clear();
        connection.waits_for_room = false;
        connection.fd = tcp_socket();
        const int fd = connection.fd.get();
        set_option(fd, IPPROTO_TCP, TCP_NODELAY);
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        const auto source = static_cast<std::uint32_t>(connection.index / connections_per_address);
        const sockaddr_in from = ipv4_address(first_address + source, 0);
        check(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from), "bind");
        const sockaddr_in to = ipv4_address(0x7f000001, static_cast<std::uint16_t>(options_.port));
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 &&
            errno != EINPROGRESS) {
            check(-1, "connect");
        }
        epoll_.add(fd, &connection, EPOLLOUT);
    }

    void serve(Connection& connection, std::uint32_t events) {
        if (connection.stage == Stage::closed) return;
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
        send_bytes(connection, "GET " + std::string{options_.dialect.path} +
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
        if (connection.stage == Stage::closed || connection.stage == Stage::connecting) return;
        connection.unread.assign(buffer_.data() + used, size - used);
    }

    /// The server has ended it.
    void end(Connection& connection) {
        if (connection.stage < Stage::joined)
            throw std::runtime_error{"the server closed a connection before its join was answered"};
        if (!connection.deaf && connection.stage == Stage::joined) ++errors_.closed;
        drop(connection);
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
        connection.stage = Stage::greeting;
        if (!options_.dialect.engine_io) join(connection);
        return end + 4;
    }

    void join(Connection& connection) {
        connection.stage = Stage::joining;
        send_text(connection, options_.dialect.join(topic(connection)));
    }

    std::size_t read_frames(Connection& connection, std::size_t from, std::size_t to) {
        std::size_t used = 0;
        while (connection.stage != Stage::closed && connection.stage != Stage::connecting) {
            const Frame frame = read_frame(buffer_.data() + from + used, to - from - used);
            if (frame.consumed == 0) break;
            used += frame.consumed;
            take_frame(connection, frame);
        }
        return used;
    }

    void take_frame(Connection& connection, const Frame& frame) {
        if (!frame.final || frame.masked) {
            ++errors_.corrupt;
        } else if (frame.opcode == Opcode::text) {
            take_text(connection, frame.payload);
        } else if (frame.opcode == Opcode::ping) {
            send_frame(connection, Opcode::pong, frame.payload);
        } else if (frame.opcode == Opcode::close) {
            end(connection);
        } else {
            ++errors_.unexpected;
        }
    }

    void take_text(Connection& connection, std::string_view text) {
        if (options_.dialect.engine_io && take_engine_packet(connection, text)) return;
        if (connection.stage >= Stage::joined) {
            work_->on_text(connection, text);
        } else if (connection.stage == Stage::joining &&
                   text.starts_with(options_.dialect.reply_head(1))) {
            connection.stage = Stage::joined;
            ++joined_;
            if (connection.deaf) epoll_.modify(connection.fd.get(), &connection, 0);
            work_->on_joined(connection);
        } else {
            ++errors_.unexpected;
        }
    }

    /// socket.io's packets around the events: open, connect, ping.
    bool take_engine_packet(Connection& connection, std::string_view text) {
        if (text.starts_with("0{")) {
            send_text(connection, "40");
        } else if (text.starts_with("40")) {
            join(connection);
        } else if (text == "2") {
            send_text(connection, "3");
        } else {
            return false;
        }
        return true;
    }

    void send_frame(Connection& connection, Opcode opcode, std::string_view payload) {
        std::string bytes;
        append_client_frame(bytes, opcode, payload, next_mask());
        send_bytes(connection, bytes);
    }

    std::uint32_t next_mask() { return mask_ = mask_ * 1664525 + 1013904223; }

    const LoadOptions& options_;
    Work* work_ = nullptr;
    Epoll epoll_;
    std::deque<Connection> connections_;
    std::vector<char> buffer_ = std::vector<char>(1 << 20);
    std::size_t wanted_ = 0;
    std::size_t joined_ = 0;
    std::uint64_t reads_ = 0;
    std::uint32_t mask_ = 1;
    Errors errors_;
};

} // namespace bench
