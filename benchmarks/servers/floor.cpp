// The floor: what the work costs with nothing but a kernel. Bare epoll, no sessions, one send per
// subscriber and turn; replies of one read go out in one send.
#include "../net.hpp"
#include "../websocket.hpp"
#include "push.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

namespace bench {
namespace {

constexpr std::uint32_t loopback = 0x7f000001;

struct Topic;

struct Client {
    Fd fd;
    bool upgraded = false;
    Topic* topic = nullptr; // the one that it has joined
    std::size_t place = 0;  // among the topic's subscribers
    std::string unread;     // the incomplete rest of what was read
    std::string unsent;     // what the kernel did not take
};

struct Topic {
    std::vector<Client*> subscribers;
    std::string batch; // what this turn has for them
};

class Floor {
  public:
    explicit Floor(std::uint16_t port) : listener_{tcp_socket()} {
        const sockaddr_in address = ipv4_address(loopback, port);
        set_option(listener_.get(), SOL_SOCKET, SO_REUSEADDR);
        check(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              "bind");
        check(listen(listener_.get(), SOMAXCONN), "listen");
        epoll_.add(listener_.get(), nullptr, EPOLLIN);
    }

    std::uint16_t port() const {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        check(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size),
              "getsockname");
        return ntohs(address.sin_port);
    }

    [[noreturn]] void run() {
        for (;;) {
            for (const epoll_event& event : epoll_.wait(-1)) {
                if (event.data.ptr == nullptr) {
                    accept_all();
                } else {
                    serve(*static_cast<Client*>(event.data.ptr), event.events);
                }
            }
            flush_batches();
        }
    }

  private:
    void accept_all() {
        for (;;) {
            Fd fd{accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
            if (fd.get() < 0) return;
            set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
            auto client = std::make_unique<Client>();
            client->fd = std::move(fd);
            epoll_.add(client->fd.get(), client.get(), EPOLLIN);
            client.release(); // the epoll set owns it; `drop` ends it
        }
    }

    void serve(Client& client, std::uint32_t events) {
        if (events & EPOLLOUT) send_unsent(client);
        if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && !receive(client)) drop(client);
    }

    bool receive(Client& client) {
        const std::size_t kept = client.unread.size();
        client.unread.copy(buffer_.data(), kept);
        const ssize_t got = recv(client.fd.get(), buffer_.data() + kept, buffer_.size() - kept, 0);
        if (got < 0) return errno == EAGAIN;
        if (got == 0) return false;

        const std::span<char> bytes{buffer_.data(), kept + got};
        const std::ptrdiff_t used =
            client.upgraded ? frames(client, bytes) : upgrade(client, bytes);
        if (used < 0) return false;
        client.unread.assign(bytes.data() + used, bytes.size() - used);
        return client.unread.size() < buffer_.size();
    }

    std::ptrdiff_t upgrade(Client& client, std::span<const char> bytes) {
        const std::string_view request{bytes.data(), bytes.size()};
        const std::size_t end = request.find("\r\n\r\n");
        if (end == request.npos) return 0;
        const std::string_view key = header_value(request, "Sec-WebSocket-Key");
        if (key.empty()) return -1;
        client.upgraded = true;
        send_or_keep(client, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                                 accept_key(key) + "\r\n\r\n");
        return static_cast<std::ptrdiff_t>(end) + 4;
    }

    std::ptrdiff_t frames(Client& client, std::span<char> bytes) {
        std::size_t used = 0;
        for (;;) {
            const Frame frame = read_frame(bytes.data() + used, bytes.size() - used);
            if (frame.consumed == 0) break;
            used += frame.consumed;
            if (frame.opcode != Opcode::text) return -1;
            handle(client, parse_push(frame.payload));
        }
        if (!replies_.empty()) send_or_keep(client, replies_);
        replies_.clear();
        return static_cast<std::ptrdiff_t>(used);
    }

    void handle(Client& client, const Push& push) {
        if (push.event == "\"shout\"") {
            publish(push);
        } else if (push.event == "\"echo\"") {
            reply(push, push.payload);
        } else if (push.event == "\"_join\"") {
            join(client, push);
        } else if (push.event == "\"_leave\"") {
            unsubscribe(client);
            reply(push, "{}");
        }
    }

    void join(Client& client, const Push& push) {
        Topic& topic = topics_[std::string{push.topic}];
        flush(topic); // what was published before the join is not for this client
        reply(push, "{}");
        if (client.topic != nullptr) return;
        client.topic = &topic;
        client.place = topic.subscribers.size();
        topic.subscribers.push_back(&client);
    }

    void reply(const Push& push, std::string_view payload) {
        append_head(replies_, Opcode::text,
                    push.join_ref.size() + push.ref.size() + payload.size() + 8, false);
        replies_.append("[1,").append(push.join_ref).append(",").append(push.ref);
        replies_.append(",0,").append(payload).append("]");
    }

    void publish(const Push& push) {
        Topic& topic = topics_[std::string{push.topic}];
        if (topic.batch.empty()) open_.push_back(&topic);
        append_head(topic.batch, Opcode::text,
                    push.topic.size() + push.event.size() + push.payload.size() + 6, false);
        topic.batch.append("[2,").append(push.topic).append(",").append(push.event);
        topic.batch.append(",").append(push.payload).append("]");
    }

    void flush_batches() {
        for (Topic* topic : open_) flush(*topic);
        open_.clear();
    }

    void flush(Topic& topic) {
        if (topic.batch.empty()) return;
        for (Client* subscriber : topic.subscribers) send_or_keep(*subscriber, topic.batch);
        topic.batch.clear();
    }

    void send_or_keep(Client& client, std::string_view bytes) {
        if (!client.unsent.empty()) {
            client.unsent.append(bytes);
            return;
        }
        const ssize_t sent = send(client.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent == static_cast<ssize_t>(bytes.size())) return;
        if (sent < 0 && errno != EAGAIN) return; // the next turn reports the hang-up
        client.unsent.assign(bytes.substr(sent < 0 ? 0 : sent));
        epoll_.modify(client.fd.get(), &client, EPOLLIN | EPOLLOUT);
    }

    void send_unsent(Client& client) {
        const std::string bytes = std::exchange(client.unsent, {});
        epoll_.modify(client.fd.get(), &client, EPOLLIN);
        send_or_keep(client, bytes);
    }

    void unsubscribe(Client& client) {
        if (client.topic == nullptr) return;
        std::vector<Client*>& subscribers = client.topic->subscribers;
        subscribers.back()->place = client.place;
        subscribers[client.place] = subscribers.back();
        subscribers.pop_back();
        client.topic = nullptr;
    }

    void drop(Client& client) {
        unsubscribe(client);
        delete &client;
    }

    Epoll epoll_;
    Fd listener_;
    std::vector<char> buffer_ = std::vector<char>(1 << 20);
    std::map<std::string, Topic> topics_;
    std::vector<Topic*> open_; // topics whose batch is not empty
    std::string replies_;      // to what was read last
};

} // namespace
} // namespace bench

int main(int argc, char** argv) {
    try {
        bench::raise_file_limit();
        bench::Floor floor{static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0)};
        std::printf("listening on %d\n", floor.port());
        std::fflush(stdout);
        floor.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "floor: %s\n", error.what());
        return 1;
    }
}
