// CPU per message of the adapter for NATS over that of a bare program of the NATS library:
// nats_adapter <port> [core] [messages] [depth] [rounds]. Both publish `depth` messages at a time,
// and go on when another process, which subscribes, has got them all; when they are written is left
// to the library, which has a thread for it, and a loop in the adapter. Both receive what another
// process publishes `depth` at a time.
#include "adapter_ratio.hpp"

#include <chain/adapters/nats.hpp>
#include <chain/detail/nats_subject.hpp>

#include <nats/nats.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

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

/// A client without the library, for other processes, which must not have its threads: the protocol
/// is text.
class PlainClient {
  public:
    explicit PlainClient(const Run& run) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(run.port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("no NATS there");
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        say("CONNECT {\"verbose\":false}\r\n");
    }
    ~PlainClient() { ::close(fd_); }
    PlainClient(const PlainClient&) = delete;
    PlainClient& operator=(const PlainClient&) = delete;

    void say(std::string_view text) const {
        while (!text.empty()) {
            const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) throw std::runtime_error("send");
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    std::string_view hear() {
        const auto count = ::recv(fd_, bytes_.data(), bytes_.size(), 0);
        if (count <= 0) throw std::runtime_error("recv");
        return {bytes_.data(), static_cast<std::size_t>(count)};
    }
    /// Waits until the server has handled all that was said.
    void settle() {
        say("PING\r\n");
        for (std::string heard; heard.find("PONG\r\n") == heard.npos;) heard += hear();
    }

  private:
    int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::array<char, 65536> bytes_;
};

/// Another process that subscribes, and tells whenever it has got `depth` messages.
class Sink {
  public:
    explicit Sink(const Run& run) {
        if (::pipe(pipe_) != 0) throw std::runtime_error("pipe");
        child_ = ::fork();
        if (child_ == 0) listen(run, pipe_[1]);
        ::close(pipe_[1]);
        while (!arrived(1000)) {
        }
    }
    ~Sink() {
        ::kill(child_, SIGTERM);
        ::waitpid(child_, nullptr, 0);
        ::close(pipe_[0]);
    }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    bool arrived(int milliseconds) const {
        pollfd wait{pipe_[0], POLLIN, 0};
        char told = 0;
        return ::poll(&wait, 1, milliseconds) == 1 && ::read(pipe_[0], &told, 1) == 1;
    }

  private:
    [[noreturn]] static void listen(const Run& run, int pipe) {
        PlainClient client(run);
        client.say("SUB " + subject(run) + " 1\r\n");
        client.settle();
        const auto tell = [pipe] {
            if (::write(pipe, "t", 1) != 1) ::_exit(1);
        };
        tell();
        const auto whole = run.frame.size() * static_cast<std::size_t>(run.depth);
        for (std::size_t got = 0;;
             got %= whole) { // of the frames' bytes, which are in nothing else
            got += static_cast<std::size_t>(std::ranges::count(client.hear(), run.frame.front()));
            if (got >= whole) tell();
        }
    }

    int pipe_[2]{};
    pid_t child_ = -1;
};

double publish_bare(const Run& run) {
    const Sink sink(run);
    const auto connection = connect(run);
    const auto name = subject(run);
    const double start = cpu_seconds();
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        for (int i = 0; i < run.depth; ++i)
            check(natsConnection_Publish(connection.get(), name.c_str(), run.frame.data(),
                                         static_cast<int>(run.frame.size())));
        while (!sink.arrived(1000)) {
        }
    }
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
    const Sink sink(run);
    return bench::publish<Node>(run, [&](Node& node) {
        node.context.poll(); // writes
        for (int patience = 1; !sink.arrived(patience); patience = 1000) node.context.poll();
    });
}

void publish_plain(const Run& run) {
    PlainClient client(run);
    const auto one = "PUB " + subject(run) + ' ' + std::to_string(run.frame.size()) + "\r\n" +
                     run.frame + "\r\n";
    std::string batch;
    for (int i = 0; i < run.depth; ++i) batch += one;
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        client.say(batch);
        client.settle();
    }
}

/// Counts messages, and wakes who waits for the last of some.
struct Counter {
    std::atomic<int> received = 0;
    std::atomic<int> target = 0;
    std::atomic<bool> reached = false;

    static void count(natsConnection*, natsSubscription*, natsMsg* message, void* counter) {
        auto& self = *static_cast<Counter*>(counter);
        natsMsg_Destroy(message);
        if (++self.received != self.target) return;
        self.reached = true;
        self.reached.notify_one();
    }
};

double receive_bare(const Run& run) {
    const Publisher publisher(run, publish_plain);
    const auto connection = connect(run);
    Counter counter;
    natsSubscription* subscription = nullptr;
    check(natsConnection_Subscribe(&subscription, connection.get(), subject(run).c_str(),
                                   &Counter::count, &counter));
    check(natsConnection_Flush(connection.get()));
    const double start = cpu_seconds();
    const auto expect = [&](int count) {
        counter.reached = false;
        counter.target += count;
    };
    publisher.publish(run.messages, expect, [&](int) { counter.reached.wait(false); });
    const double spent = cpu_seconds() - start;
    natsSubscription_Destroy(subscription);
    return spent;
}

double receive_adapter(const Run& run) { return bench::receive<Node>(run, publish_plain); }

} // namespace

int main(int count, char** words) {
    const auto run = bench::run_of(count, words, "core");
    bench::compare(run, "publish", publish_bare, publish_adapter);
    bench::compare(run, "receive", receive_bare, receive_adapter);
}
