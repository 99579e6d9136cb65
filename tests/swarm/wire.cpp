#include "wire.hpp"

#include "../integration/support/raw_client.hpp"

#include <fcntl.h>

namespace swarm {

bool Wire::open(std::uint16_t port, int receive_buffer) {
    close();
    in.clear();
    out_.clear();
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0)
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto failed = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    if (failed == 0 || errno == EINPROGRESS) return true;
    close();
    return false;
}

void Wire::close(bool reset) {
    if (fd_ < 0) return;
    const linger at_once{1, 0};
    if (reset) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(fd_, -1));
}

bool Wire::pump(bool reading) {
    while (!out_.empty()) {
        const auto sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) break;
        if (sent <= 0) break;
        out_.erase(0, static_cast<std::size_t>(sent));
    }
    for (char bytes[16384]; reading;) {
        const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
        if (count > 0) {
            in.append(bytes, static_cast<std::size_t>(count));
            continue;
        }
        return count < 0 && (errno == EAGAIN || errno == ENOTCONN);
    }
    return true;
}

bool take_answer(std::string& in, Answer& answer) {
    const auto end = in.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto length = in.find("Content-Length: ");
    const auto size = length < end ? std::stoul(in.substr(length + 16)) : 0;
    if (in.size() < end + 4 + size) return false;
    answer = {std::stoi(in.substr(9, 3)), in.substr(end + 4, size)};
    in.erase(0, end + 4 + size);
    return true;
}

int take_head(std::string& in) {
    const auto end = in.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const int status = std::stoi(in.substr(9, 3));
    in.erase(0, end + 4);
    return status;
}

bool take_frame(std::string& in, unsigned char& first, std::string& payload) {
    if (in.size() < 2) return false;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(in[at]); };
    std::size_t size = byte(1), header = 2;
    if (size > 125) {
        header = size == 126 ? 4 : 10;
        if (in.size() < header) return false;
        size = 0;
        for (std::size_t i = 2; i < header; ++i) size = size * 256 + byte(i);
    }
    if (in.size() < header + size) return false;
    first = byte(0);
    payload = in.substr(header, size);
    in.erase(0, header + size);
    return true;
}

std::string upgrade(const std::string& target) { return test::RawClient::handshake(target); }

std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

std::string post(const std::string& target, const std::string& body, const std::string& headers) {
    return "POST " + target + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n" +
           headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace swarm
