// A client on a plain socket: sends any bytes, also wrong ones, and takes apart what comes back.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace test {

/// How long a client waits before it calls a test failed. Only a failure takes that long.
inline constexpr std::chrono::seconds patience{60};

/// An HTTP answer. Names of header fields are in lower case.
struct HttpReply {
    int status = 0;
    std::map<std::string, std::string> headers;
    std::string body;

    std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

/// A WebSocket frame as it came: its first byte and its payload.
struct WsReply {
    unsigned char first = 0;
    std::string payload;

    bool is_text() const { return first == 0x81; }
    bool is_ping() const { return first == 0x89; }
    bool is_pong() const { return first == 0x8A; }
    bool is_close() const { return first == 0x88; }
    /// The code of a close frame; 1005 when it has none.
    int close_code() const {
        if (payload.size() < 2) return 1005;
        const auto high = static_cast<unsigned char>(payload[0]);
        return high * 256 + static_cast<unsigned char>(payload[1]);
    }
};

/// A client's frame: its first byte, and the payload masked with a fixed key.
inline std::string ws_frame(unsigned first, std::string_view payload, bool masked = true) {
    std::string frame(1, static_cast<char>(first));
    const auto size = payload.size();
    const unsigned mask_bit = masked ? 0x80 : 0;
    const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    const auto short_length = length_bytes == 0 ? size : length_bytes == 2 ? 126U : 127U;
    frame += static_cast<char>(mask_bit | short_length);
    for (int i = length_bytes; i > 0; --i) frame += static_cast<char>(size >> (8 * (i - 1)) & 0xFF);
    static constexpr std::string_view key = "\x12\x34\x56\x78";
    if (masked) frame += key;
    for (std::size_t i = 0; i < size; ++i)
        frame += static_cast<char>(masked ? payload[i] ^ key[i % 4] : payload[i]);
    return frame;
}

inline std::string ws_text(std::string_view text) { return ws_frame(0x81, text); }

inline std::string ws_close(unsigned code) {
    const char payload[2] = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    return ws_frame(0x88, {payload, 2});
}

class RawClient {
  public:
    explicit RawClient(std::uint16_t port, int receive_buffer = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (receive_buffer > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            const int failed = errno;
            ::close(fd_);
            throw std::runtime_error(std::string("connect: ") + std::strerror(failed));
        }
    }
    RawClient(RawClient&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)), used_(other.used_) {
    }
    RawClient& operator=(RawClient&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(buffer_, other.buffer_);
        std::swap(used_, other.used_);
        return *this;
    }
    ~RawClient() { close(); }

    int fd() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// Ends the connection with a reset, as a crashed peer does.
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }
    /// Sends nothing more, but still reads.
    void finish_sending() { ::shutdown(fd_, SHUT_WR); }

    /// Sends all of it. @return false when the server has gone.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void send_text(std::string_view text) { send(ws_text(text)); }

    /// Reads more. @return false at the end of the stream.
    bool fill() {
        pollfd waiting{fd_, POLLIN, 0};
        const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
        if (::poll(&waiting, 1, static_cast<int>(limit.count())) == 0)
            throw std::runtime_error("the server sent nothing in time; so far: " + buffer_);
        char bytes[65536];
        const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
        if (count < 0) was_reset_ = true;
        if (count <= 0) return false;
        buffer_.erase(0, std::exchange(used_, 0));
        buffer_.append(bytes, static_cast<std::size_t>(count));
        return true;
    }
    /// Everything up to the end of the stream.
    std::string read_to_end() {
        while (fill()) {
        }
        buffer_.erase(0, std::exchange(used_, 0));
        return std::exchange(buffer_, {});
    }
    /// Did the stream end with a reset?
    bool was_reset() const { return was_reset_; }
    /// What was read and not used yet.
    std::string_view rest() const { return std::string_view(buffer_).substr(used_); }

    /// What was read and not used yet, which is used now.
    std::string take_rest() { return take(rest().size()); }

    /// Reads an HTTP answer. @param head  it answers a HEAD, so it has no body.
    HttpReply read_http(bool head = false) {
        HttpReply reply;
        auto head_text = take(find("\r\n\r\n") + 4);
        reply.status = std::stoi(head_text.substr(9, 3));
        for (auto at = head_text.find("\r\n") + 2; at + 2 < head_text.size();) {
            const auto line_end = head_text.find("\r\n", at);
            const auto colon = head_text.find(": ", at);
            auto name = head_text.substr(at, colon - at);
            std::ranges::transform(name, name.begin(),
                                   [](unsigned char c) { return std::tolower(c); });
            reply.headers[name] = head_text.substr(colon + 2, line_end - colon - 2);
            at = line_end + 2;
        }
        const auto length = reply.header("content-length");
        if (!head && !length.empty() && reply.status != 304) reply.body = take(std::stoul(length));
        return reply;
    }
    HttpReply request(std::string_view text, bool head = false) {
        send(text);
        return read_http(head);
    }
    HttpReply get(const std::string& target, const std::string& headers = {}) {
        return request("GET " + target + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n");
    }

    static std::string handshake(const std::string& target, const std::string& headers = {}) {
        return "GET " + target +
               " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
               headers + "\r\n";
    }
    HttpReply upgrade(const std::string& target = "/socket/websocket",
                      const std::string& headers = {}) {
        return request(handshake(target, headers));
    }

    /// The next WebSocket frame; nothing at the end of the stream.
    std::optional<WsReply> read_frame() {
        if (!have(2)) return std::nullopt;
        WsReply reply;
        reply.first = static_cast<unsigned char>(rest()[0]);
        std::size_t size = static_cast<unsigned char>(rest()[1]);
        std::size_t header = 2;
        if (size > 125) {
            header = size == 126 ? 4 : 10;
            if (!have(header)) return std::nullopt;
            size = 0;
            for (std::size_t i = 2; i < header; ++i)
                size = size * 256 + static_cast<unsigned char>(rest()[i]);
        }
        if (!have(header + size)) return std::nullopt;
        used_ += header;
        reply.payload = take(size);
        return reply;
    }
    /// The next text message. Pings are answered. @throws when something else comes
    std::string receive() {
        for (;;) {
            auto frame = read_frame();
            if (!frame) throw std::runtime_error("the server ended the stream");
            if (frame->is_text()) return std::move(frame->payload);
            if (!frame->is_ping())
                throw std::runtime_error("no text frame, but " + std::to_string(frame->first) +
                                         ", code " + std::to_string(frame->close_code()));
            answer_ping(*frame);
        }
    }
    void answer_ping(const WsReply& ping) { send(ws_frame(0x8A, ping.payload)); }
    /// Skips to the close frame and answers it as RFC 6455 wants. @return its code; 1006 when the
    /// stream ended without one
    int close_code() {
        while (const auto frame = read_frame()) {
            if (!frame->is_close()) continue;
            send(ws_frame(0x88, frame->payload.substr(0, 2)));
            return frame->close_code();
        }
        return 1006;
    }

  private:
    bool have(std::size_t count) {
        while (rest().size() < count)
            if (!fill()) return false;
        return true;
    }
    std::string take(std::size_t count) {
        if (!have(count)) throw std::runtime_error("the stream ended too early: " + buffer_);
        const auto taken = rest().substr(0, count);
        used_ += count;
        return std::string(taken);
    }
    std::size_t find(std::string_view what) {
        for (;;) {
            const auto found = rest().find(what);
            if (found != std::string_view::npos) return found;
            if (!fill()) throw std::runtime_error("the stream ended too early: " + buffer_);
        }
    }

    int fd_;
    std::string buffer_;
    std::size_t used_ = 0; ///< Bytes at the front of the buffer that were taken.
    bool was_reset_ = false;
};

/// A client that has connected by WebSocket.
inline RawClient open_socket(std::uint16_t port, const std::string& query = {}) {
    RawClient client(port);
    const auto reply = client.upgrade("/socket/websocket" + query);
    if (reply.status != 101)
        throw std::runtime_error("no upgrade, but " + std::to_string(reply.status));
    return client;
}

} // namespace test
