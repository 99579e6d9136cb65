// The little of HTTP that the carriers without WebSocket need: answers with a length, polls' texts,
// and requests that are waited for.
#pragma once

#include "../net.hpp"
#include "../websocket.hpp"

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// An answer at the start of a receive buffer; `consumed` is 0 while it is incomplete.
struct HttpAnswer {
    std::string_view head, body;
    std::size_t consumed = 0;
};

inline HttpAnswer read_http_answer(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return {};
    const std::string_view head = bytes.substr(0, end + 2);
    const std::string_view text = header_value(head, "Content-Length");
    std::size_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    if (bytes.size() - end - 4 < length) return {};
    return {head, bytes.substr(end + 4, length), end + 4 + length};
}

/// The text after `name`, to the next quotation mark; empty when it is missing.
inline std::string_view quoted_after(std::string_view text, std::string_view name) {
    const std::size_t at = text.find(name);
    if (at == text.npos) return {};
    const std::string_view rest = text.substr(at + name.size());
    return rest.substr(0, rest.find('"'));
}

/// Calls `f(text)` for each of a poll's messages, which are JSON strings.
template <typename F>
void each_message(std::string_view body, F f) {
    static constexpr std::string_view name = R"("messages":[)";
    std::string text;
    for (std::size_t at = body.find(name) + name.size(); body.at(at) != ']';) {
        if (body.at(at) == ',') ++at;
        if (body.at(at) != '"') throw std::runtime_error{"a poll's message is no string"};
        for (text.clear(); body.at(++at) != '"';) {
            if (body[at] == '\\') ++at; // no text of the benchmarks has other escapes
            text += body.at(at);
        }
        ++at;
        f(std::string_view{text});
    }
}

inline std::string post_request(std::string_view target, std::string_view headers,
                                std::string_view body) {
    return "POST " + std::string{target} +
           " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" +
           std::string{headers} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

/// A connection whose requests are waited for, each until it is answered.
class WaitingClient {
  public:
    explicit WaitingClient(std::uint16_t port) : port_{port} {}

    /// @return the answer's head
    std::string ask(const std::string& request) {
        if (fd_.get() < 0) connect();
        check(static_cast<int>(send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL)),
              "send");
        std::string answer;
        char buffer[4096];
        for (;;) {
            const ssize_t got = recv(fd_.get(), buffer, sizeof buffer, 0);
            if (got <= 0) throw std::runtime_error{"a request was not answered"};
            answer.append(buffer, static_cast<std::size_t>(got));
            const HttpAnswer whole = read_http_answer(answer);
            if (whole.consumed != 0) return std::string{whole.head};
        }
    }

  private:
    void connect() {
        fd_ = Fd{check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
        const sockaddr_in to = ipv4_address(0x7f000001, port_);
        check(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
    }

    std::uint16_t port_;
    Fd fd_;
};

} // namespace bench
