// The load generator's connections: one thread, one epoll set, clients of their own for WebSocket,
// SSE and long-polling.
#pragma once

#include "http.hpp"
#include "inflate.hpp"
#include "ledger.hpp"
#include "options.hpp"
#include "stream.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

enum class Stage { connecting, encrypting, upgrading, greeting, joining, joined, leaving, closed };

struct Connection {
    Stream stream;
    std::size_t index = 0;
    std::uint64_t room = 0;
    Carrier carrier = Carrier::websocket;
    Stage stage = Stage::connecting;
    std::string poll_token;
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

    /// Opens connections that do not join; returns when all `count` are there.
    void open_without_joining(std::size_t count) {
        joins_ = false;
        wanted_ = count;
        open_some();
        if (!run_until([this, count] { return greeted_ == count; }))
            throw std::runtime_error{"only " + std::to_string(greeted_) + " connections came"};
        joins_ = true;
    }
    /// Lets those join; returns when they have.
    void join_all() {
        for (Connection& connection : connections_) join(connection);
        if (!run_until([this] { return joined_ == connections_.size(); }))
            throw std::runtime_error{"only " + std::to_string(joined_) + " sessions could join"};
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
        connection.stream = Stream{};
    }
    void drop_all() {
        for (Connection& connection : connections_) drop(connection);
        connections_.clear();
        wanted_ = joined_ = greeted_ = 0;
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
        const ssize_t sent = connection.stream.write(bytes);
        if (sent < 0 && errno != EAGAIN) return; // the next read finds the connection ended
        connection.unsent.assign(bytes.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent)));
        const std::uint32_t out = connection.unsent.empty() ? 0u : EPOLLOUT;
        if (out != 0 || connection.waits_for_room) {
            epoll_.modify(connection.stream.fd(), &connection, EPOLLIN | out);
        }
        connection.waits_for_room = out != 0;
    }

    std::string topic(std::uint64_t room) const {
        return options_.topics + ":" + std::to_string(room);
    }
    std::string topic(const Connection& connection) const { return topic(connection.room); }

    std::size_t joined() const { return joined_; }
    std::deque<Connection>& connections() { return connections_; }
    Errors& errors() { return errors_; }
    bool failed() const { return errors_.closed != 0; }
    /// How often a read brought something: deliveries per read tell how well the server batches.
    std::uint64_t reads() const { return reads_; }
    /// Texts that came compressed.
    std::uint64_t inflated() const { return inflated_; }

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
        while (connections_.size() < wanted_ &&
               connections_.size() - (joins_ ? joined_ : greeted_) < opening_at_once) {
            open_one();
        }
    }

    void connect(Connection& connection) {
        connection.room = connection.index % options_.rooms;
        connection.deaf =
            connection.index >= options_.rooms && connection.index < options_.rooms + options_.deaf;
        const bool publishes = options_.work == "fan-out" && connection.index < options_.rooms;
        connection.carrier = publishes ? Carrier::websocket : options_.carrier;
        connection.stage = Stage::connecting;
        connection.poll_token.clear();
        connection.unread.clear();
        connection.unsent.clear();
        connection.waits_for_room = false;
        connection.stream = Stream{tcp_socket()};
        const int fd = connection.stream.fd();
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
            finish_connect(connection);
            return;
        }
        if (connection.stage == Stage::encrypting) {
            if (connection.stream.shake_hands()) start_upgrade(connection);
            return;
        }
        if (events & EPOLLOUT) send_bytes(connection, std::exchange(connection.unsent, {}));
        if (events & ~std::uint32_t{EPOLLOUT}) receive(connection);
    }

    void finish_connect(Connection& connection) {
        int error = 0;
        socklen_t size = sizeof error;
        check(getsockopt(connection.stream.fd(), SOL_SOCKET, SO_ERROR, &error, &size),
              "getsockopt");
        if (error != 0) throw std::system_error{error, std::generic_category(), "connect"};
        epoll_.modify(connection.stream.fd(), &connection, EPOLLIN);
        if (!options_.tls) {
            start_upgrade(connection);
            return;
        }
        connection.stage = Stage::encrypting;
        connection.stream.encrypt(tls_);
        if (connection.stream.shake_hands()) start_upgrade(connection);
    }

    void start_upgrade(Connection& connection) {
        connection.stage = Stage::upgrading;
        if (connection.carrier != Carrier::websocket) {
            send_bytes(connection, get_request(connection));
            return;
        }
        std::string extensions;
        if (options_.deflate) extensions = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        send_bytes(connection, "GET " + std::string{options_.dialect.path} +
                                   " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options_.port) +
                                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Version: 13\r\n" +
                                   extensions + "Sec-WebSocket-Key: " + std::string{key} +
                                   "\r\n\r\n");
    }

    std::string get_request(const Connection& connection) const {
        const std::string end = " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
        if (connection.carrier == Carrier::sse)
            return "GET " + sse_target(connection) + end + "\r\n";
        std::string token;
        if (!connection.poll_token.empty()) token = poll_header(connection);
        return "GET /socket/longpoll" + end + token + "\r\n";
    }
    static std::string sse_target(const Connection& connection) {
        return "/socket/sse?sid=t" + std::to_string(connection.index);
    }
    static std::string poll_header(const Connection& connection) {
        return "X-Phoenix-Longpoll-Token: " + connection.poll_token + "\r\n";
    }

    void receive(Connection& connection) {
        const std::size_t kept = connection.unread.size();
        connection.unread.copy(buffer_.data(), kept);
        const ssize_t got = connection.stream.read(buffer_.data() + kept, buffer_.size() - kept);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            end(connection);
            return;
        }
        ++reads_;
        const std::size_t size = kept + static_cast<std::size_t>(got);
        const std::size_t used = take_bytes(connection, size);
        if (connection.stage == Stage::closed || connection.stage == Stage::connecting) return;
        connection.unread.assign(buffer_.data() + used, size - used);
    }

    /// @return how many of the buffer's bytes were used
    std::size_t take_bytes(Connection& connection, std::size_t size) {
        if (connection.carrier == Carrier::longpoll) return read_answers(connection, size);
        std::size_t used = 0;
        if (connection.stage == Stage::upgrading) {
            used = connection.carrier == Carrier::sse ? begin_events(connection, size)
                                                      : finish_upgrade(connection, size);
        }
        if (connection.stage == Stage::upgrading) return used;
        return used + (connection.carrier == Carrier::sse ? read_events(connection, used, size)
                                                          : read_frames(connection, used, size));
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
        ++greeted_;
        if (joins_ && options_.dialect.grammar != Grammar::socket_io) join(connection);
        return end + 4;
    }

    /// The head of an SSE stream; its cookie is needed to join.
    std::size_t begin_events(Connection& connection, std::size_t size) {
        const std::string_view response{buffer_.data(), size};
        const std::size_t end = response.find("\r\n\r\n");
        if (end == response.npos) return 0;
        const std::string_view head = response.substr(0, end + 2);
        const std::string_view cookie = header_value(head, "Set-Cookie");
        if (!head.starts_with("HTTP/1.1 200 ") || cookie.empty())
            throw std::runtime_error{"the server refused the stream: " + std::string{head}};
        connection.stage = Stage::joining;
        const std::string header =
            "Cookie: " + std::string{cookie.substr(0, cookie.find(';'))} + "\r\n";
        const std::string answered = poster_.ask(
            post_request(sse_target(connection), header, options_.dialect.join(topic(connection))));
        if (!answered.starts_with("HTTP/1.1 200 "))
            throw std::runtime_error{"the server refused a join: " + answered};
        return end + 4;
    }

    std::size_t read_events(Connection& connection, std::size_t from, std::size_t to) {
        static constexpr std::string_view data = "data: ";
        const std::string_view all{buffer_.data(), to};
        const std::size_t begin = from;
        for (std::size_t end = 0; (end = all.find("\n\n", from)) != all.npos; from = end + 2) {
            std::string_view event = all.substr(from, end - from);
            if (event.starts_with("id: ")) event.remove_prefix(event.find('\n') + 1);
            if (event.starts_with(data)) take_text(connection, event.substr(data.size()));
        }
        return from - begin;
    }

    /// Answers to polls and posts, and what is asked next.
    std::size_t read_answers(Connection& connection, std::size_t size) {
        const HttpAnswer answer = read_http_answer({buffer_.data(), size});
        if (answer.consumed == 0) return 0;
        const std::string_view token = quoted_after(answer.body, R"("token":")");
        if (!token.empty()) connection.poll_token = token;
        if (connection.stage == Stage::upgrading) {
            if (token.empty()) throw std::runtime_error{"refused: " + std::string{answer.body}};
            connection.stage = Stage::joining;
            send_bytes(connection, post_request("/socket/longpoll", poll_header(connection),
                                                options_.dialect.join(topic(connection))));
            return answer.consumed;
        }
        if (!token.empty())
            each_message(answer.body, [&](std::string_view text) { take_text(connection, text); });
        send_bytes(connection, get_request(connection));
        return answer.consumed;
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
        if (!frame.final || frame.masked || (frame.compressed && !options_.deflate)) {
            ++errors_.corrupt;
        } else if (frame.opcode == Opcode::text) {
            if (frame.compressed) ++inflated_;
            take_text(connection, frame.compressed ? inflater_(frame.payload) : frame.payload);
        } else if (frame.opcode == Opcode::ping) {
            send_frame(connection, Opcode::pong, frame.payload);
        } else if (frame.opcode == Opcode::close) {
            end(connection);
        } else {
            ++errors_.unexpected;
        }
    }

    void take_text(Connection& connection, std::string_view text) {
        if (options_.dialect.grammar == Grammar::socket_io && take_engine_packet(connection, text))
            return;
        if (connection.stage >= Stage::joined) {
            work_->on_text(connection, text);
        } else if (connection.stage == Stage::joining &&
                   text.starts_with(options_.dialect.reply_head(topic(connection), 1))) {
            connection.stage = Stage::joined;
            ++joined_;
            if (connection.deaf) epoll_.modify(connection.stream.fd(), &connection, 0);
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
    std::size_t greeted_ = 0; ///< WebSockets that were upgraded.
    bool joins_ = true;       ///< As soon as they are.
    TlsClient tls_;
    WaitingClient poster_{static_cast<std::uint16_t>(options_.port)};
    Inflater inflater_;
    std::uint64_t inflated_ = 0;
    std::uint64_t reads_ = 0;
    std::uint32_t mask_ = 1;
    Errors errors_;
};

} // namespace bench
