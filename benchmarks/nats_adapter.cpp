// CPU per message of the adapter for NATS over that of a bare program of the NATS library:
// nats_adapter <port> [flushed|free] [messages] [depth] [rounds]. The bare program publishes
// `depth` messages at a time and waits until the server has them (flushed), or leaves that to the
// library's own thread (free); the adapter publishes `depth` in a turn. Both receive what another
// process publishes `depth` at a time.
#include "adapter_ratio.hpp"

#include <chain/adapters/nats.hpp>
#include <chain/detail/nats_subject.hpp>

#include <nats/nats.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <thread>

using bench::Publisher, bench::Run, bench::cpu_seconds;

namespace {

std::string url(const Run& run) { return "nats://127.0.0.1:" + std::to_string(run.port); }

std::string subject(const Run& run) { return chain::detail::nats_subject("chain", run.topic); }

void check(natsStatus status) {
    if (status != NATS_OK) throw std::runtime_error(natsStatus_GetText(status));
}

using Connection = std::unique_ptr<natsConnection, decltype(&natsConnection_Destroy)>;

Connection connect(const Run& run) {
    natsConnection* connection = nullptr;
    check(natsConnection_ConnectTo(&connection, url(run).c_str()));
    return {connection, &natsConnection_Destroy};
}

double publish_bare(const Run& run) {
    const auto connection = connect(run);
    const auto name = subject(run);
    const double start = cpu_seconds();
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        for (int i = 0; i < run.depth; ++i)
            check(natsConnection_Publish(connection.get(), name.c_str(), run.frame.data(),
                                         static_cast<int>(run.frame.size())));
        if (run.mode == "flushed") check(natsConnection_Flush(connection.get()));
    }
    check(natsConnection_Flush(connection.get()));
    return cpu_seconds() - start;
}

struct Node : bench::Node<chain::NatsAdapter, chain::NatsConfig> {
    explicit Node(const Run& run) : bench::Node<chain::NatsAdapter, chain::NatsConfig>(at(run)) {}

    static chain::NatsConfig at(const Run& run) {
        chain::NatsConfig config;
        config.servers = {url(run)};
        return config;
    }
};

double publish_adapter(const Run& run) {
    return bench::publish<Node>(run, [](Node& node) { node.context.poll(); });
}

/// What publishes in a process of its own, which must not have the library's threads: its protocol
/// is text.
void publish_text(const Run& run) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(run.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("no NATS there");
    const auto say = [fd](std::string_view text) {
        while (!text.empty()) {
            const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) throw std::runtime_error("send");
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    };
    std::string heard;
    const auto wait = [fd, &heard] {
        char bytes[4096];
        for (auto found = heard.npos; found == heard.npos; found = heard.find("PONG\r\n")) {
            const auto count = ::recv(fd, bytes, sizeof bytes, 0);
            if (count <= 0) throw std::runtime_error("recv");
            heard.append(bytes, static_cast<std::size_t>(count));
        }
        heard.clear();
    };
    const auto one = "PUB " + subject(run) + ' ' + std::to_string(run.frame.size()) + "\r\n" +
                     run.frame + "\r\n";
    std::string batch;
    for (int i = 0; i < run.depth; ++i) batch += one;
    batch += "PING\r\n";
    say("CONNECT {\"verbose\":false}\r\n");
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        say(batch);
        wait();
    }
    ::close(fd);
}

double receive_bare(const Run& run) {
    const Publisher publisher([&] { publish_text(run); });
    const auto connection = connect(run);
    std::atomic<int> received = 0;
    const auto count = [](natsConnection*, natsSubscription*, natsMsg* message, void* counter) {
        static_cast<std::atomic<int>*>(counter)->fetch_add(1, std::memory_order_relaxed);
        natsMsg_Destroy(message);
    };
    natsSubscription* subscription = nullptr;
    check(natsConnection_Subscribe(&subscription, connection.get(), subject(run).c_str(), count,
                                   &received));
    check(natsConnection_Flush(connection.get()));
    publisher.go();
    const double start = cpu_seconds();
    while (received < run.messages) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const double spent = cpu_seconds() - start;
    natsSubscription_Destroy(subscription);
    return spent;
}

double receive_adapter(const Run& run) { return bench::receive<Node>(run, publish_text); }

} // namespace

int main(int count, char** words) {
    const auto run = bench::run_of(count, words, "flushed");
    bench::compare(run, "publish", publish_bare, publish_adapter);
    bench::compare(run, "receive", receive_bare, receive_adapter);
}
