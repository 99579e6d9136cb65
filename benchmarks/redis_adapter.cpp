// CPU per message of the adapter for Redis over that of a bare hiredis program: redis_adapter
// <port> [pubsub|streams] [messages] [depth] [rounds]. Both publish `depth` messages at a time and
// wait for the answers; both receive what another process publishes like that. Rounds alternate;
// medians.
#include <chain/adapters/redis.hpp>
#include <chain/detail/redis_streams.hpp>

#include <boost/asio/io_context.hpp>

#include <hiredis/hiredis.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Run {
    int port = 0;
    bool streams = false;
    int messages = 200'000;
    int depth = 64;
    int rounds = 7;
    std::string topic = "/socket:c:room:bench";
    std::string frame = std::string(128, 'x');
};

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;
using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

Connection connect(const Run& run) {
    Connection connection(redisConnect("127.0.0.1", run.port), &redisFree);
    if (!connection || connection->err) throw std::runtime_error("no Redis there");
    return connection;
}

Reply reply_of(redisContext& connection) {
    void* reply = nullptr;
    if (redisGetReply(&connection, &reply) != REDIS_OK) throw std::runtime_error(connection.errstr);
    return {static_cast<redisReply*>(reply), &freeReplyObject};
}

void append(redisContext& connection, const std::vector<std::string_view>& words) {
    std::array<const char*, 16> texts{};
    std::array<std::size_t, 16> sizes{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        texts[i] = words[i].data();
        sizes[i] = words[i].size();
    }
    redisAppendCommandArgv(&connection, static_cast<int>(words.size()), texts.data(), sizes.data());
}

std::string stream_of(const Run& run) {
    return chain::detail::redis_stream_key("chain:", chain::detail::redis_shard(run.topic));
}

double publish_bare(const Run& run) {
    const auto connection = connect(run);
    const auto channel = "chain:" + run.topic;
    const auto stream = stream_of(run);
    const std::string stamp(24, 'w');
    const std::vector<std::string_view> words =
        run.streams
            ? std::vector<std::string_view>{"XADD", stream, "MAXLEN", "~",       "10000", "*",
                                            "w",    stamp,  "k",      run.topic, "f",     run.frame}
            : std::vector<std::string_view>{"PUBLISH", channel, run.frame};
    const double start = cpu_seconds();
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        for (int i = 0; i < run.depth; ++i) append(*connection, words);
        for (int i = 0; i < run.depth; ++i) reply_of(*connection);
    }
    return cpu_seconds() - start;
}

/// An adapter in an io_context that this thread runs.
struct Node {
    explicit Node(const Run& run) {
        chain::RedisConfig config;
        config.server.port = static_cast<std::uint16_t>(run.port);
        config.mode = run.streams ? chain::RedisMode::streams : chain::RedisMode::pubsub;
        adapter.emplace(context.get_executor(), config);
        adapter->start([this](std::string_view, std::string_view) { ++received; });
        while (!adapter->ready()) context.run_one();
    }

    chain::net::io_context context{1};
    std::optional<chain::RedisAdapter> adapter;
    int received = 0;
};

double publish_adapter(const Run& run) {
    Node node(run);
    const double start = cpu_seconds();
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        for (int i = 0; i < run.depth; ++i)
            if (node.adapter->publish(run.topic, run.frame))
                throw std::runtime_error("it was refused");
        while (node.adapter->backlog() > 0) node.context.run_one();
    }
    return cpu_seconds() - start;
}

/// Another process that publishes when it is told to.
class Publisher {
  public:
    explicit Publisher(const Run& run) {
        if (::pipe(pipe_) != 0) throw std::runtime_error("pipe");
        child_ = ::fork();
        if (child_ != 0) return;
        char go = 0;
        if (::read(pipe_[0], &go, 1) == 1) publish_bare(run);
        ::_exit(0);
    }
    void go() const {
        if (::write(pipe_[1], "g", 1) != 1) throw std::runtime_error("write");
    }
    ~Publisher() {
        ::close(pipe_[1]);
        ::waitpid(child_, nullptr, 0);
        ::close(pipe_[0]);
    }
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

  private:
    int pipe_[2]{};
    pid_t child_ = -1;
};

double receive_bare(const Run& run) {
    const Publisher publisher(run);
    const auto connection = connect(run);
    const auto channel = "chain:" + run.topic;
    const auto stream = stream_of(run);
    std::string last = "0-0";
    append(*connection, {"DEL", stream});
    reply_of(*connection);
    if (!run.streams) {
        append(*connection, {"SUBSCRIBE", channel});
        reply_of(*connection);
    }
    publisher.go();
    const double start = cpu_seconds();
    int received = 0;
    while (received < run.messages) {
        if (run.streams)
            append(*connection,
                   {"XREAD", "COUNT", "1000", "BLOCK", "2000", "STREAMS", stream, last});
        const auto reply = reply_of(*connection);
        if (!run.streams) {
            ++received;
            continue;
        }
        if (reply->type != REDIS_REPLY_ARRAY) continue;
        const auto* entries = reply->element[0]->element[1];
        received += static_cast<int>(entries->elements);
        last = entries->element[entries->elements - 1]->element[0]->str;
    }
    return cpu_seconds() - start;
}

double receive_adapter(const Run& run) {
    const Publisher publisher(run);
    Node node(run);
    node.adapter->subscribe(run.topic);
    // One message that arrives says that the subscription is in effect.
    while (node.received == 0) {
        auto once = run;
        once.messages = once.depth = 1;
        publish_bare(once);
        for (int i = 0; i < 20 && node.received == 0; ++i)
            node.context.run_one_for(std::chrono::milliseconds(5));
    }
    node.context.run_for(std::chrono::milliseconds(200));
    node.received = 0;
    publisher.go();
    const double start = cpu_seconds();
    while (node.received < run.messages) node.context.run_one();
    return cpu_seconds() - start;
}

void compare(const Run& run, const char* what, const std::function<double(const Run&)>& bare,
             const std::function<double(const Run&)>& adapter) {
    std::vector<double> ratios;
    std::vector<double> bare_ns;
    std::vector<double> adapter_ns;
    for (int round = 0; round < run.rounds; ++round) {
        bare_ns.push_back(bare(run) * 1e9 / run.messages);
        adapter_ns.push_back(adapter(run) * 1e9 / run.messages);
        ratios.push_back(adapter_ns.back() / bare_ns.back());
    }
    const auto median = [](std::vector<double> values) {
        std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
        return values[values.size() / 2];
    };
    std::printf("%-8s %-8s depth %4d: bare %6.0f ns, adapter %6.0f ns, ratio %.2f\n", what,
                run.streams ? "streams" : "pubsub", run.depth, median(bare_ns), median(adapter_ns),
                median(ratios));
    std::fflush(stdout);
}

} // namespace

int main(int count, char** words) {
    if (count < 2) {
        std::fprintf(stderr, "redis_adapter <port> [pubsub|streams] [messages] [depth] [rounds]\n");
        return 2;
    }
    Run run;
    run.port = std::atoi(words[1]);
    if (count > 2) run.streams = std::string_view(words[2]) == "streams";
    if (count > 3) run.messages = std::atoi(words[3]);
    if (count > 4) run.depth = std::atoi(words[4]);
    if (count > 5) run.rounds = std::atoi(words[5]);
    run.messages -= run.messages % run.depth;
    compare(run, "publish", publish_bare, publish_adapter);
    compare(run, "receive", receive_bare, receive_adapter);
}
