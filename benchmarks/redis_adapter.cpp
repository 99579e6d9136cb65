// CPU per message of the adapter for Redis over that of a bare hiredis program: redis_adapter
// <port> [pubsub|streams] [messages] [depth] [rounds]. Both publish `depth` messages at a time,
// which go out with one write, and wait for the answers; both receive what another process
// publishes like that. In streams both number what they append, as readers drop what they have
// seen.
#include "adapter_ratio.hpp"

#include <chain/adapters/redis.hpp>
#include <chain/detail/redis_streams.hpp>

#include <hiredis/hiredis.h>

#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>

using bench::Publisher, bench::Run, bench::cpu_seconds;

namespace {

bool streams(const Run& run) { return run.mode == "streams"; }

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

/// What an entry is numbered with: this process, and a number that grows.
class Stamp {
  public:
    Stamp() {
        for (std::size_t i = 0; i < 8; ++i) bytes_[i] = static_cast<char>(::getpid() >> i);
    }
    /// Changes when it is counted.
    std::string_view text() const noexcept { return {bytes_.data(), bytes_.size()}; }
    void count() noexcept {
        static std::uint64_t last = 0;
        ++last;
        for (std::size_t i = 0; i < 8; ++i) bytes_[23 - i] = static_cast<char>(last >> 8 * i);
    }

  private:
    std::array<char, 24> bytes_{};
};

double publish_bare(const Run& run) {
    const auto connection = connect(run);
    const auto channel = "chain:" + run.topic;
    const auto stream = stream_of(run);
    Stamp stamp;
    const std::vector<std::string_view> words =
        streams(run) ? std::vector<std::string_view>{"XADD",  stream,    "MAXLEN", "~",
                                                     "10000", "*",       "w",      stamp.text(),
                                                     "k",     run.topic, "f",      run.frame}
                     : std::vector<std::string_view>{"PUBLISH", channel, run.frame};
    const double start = cpu_seconds();
    for (int sent = 0; sent < run.messages; sent += run.depth) {
        for (int i = 0; i < run.depth; ++i) {
            if (streams(run)) stamp.count();
            append(*connection, words);
        }
        for (int i = 0; i < run.depth; ++i) reply_of(*connection);
    }
    return cpu_seconds() - start;
}

struct Node : bench::Node<chain::RedisAdapter, chain::RedisConfig> {
    explicit Node(const Run& run) : bench::Node<chain::RedisAdapter, chain::RedisConfig>(at(run)) {}

    static chain::RedisConfig at(const Run& run) {
        chain::RedisConfig config;
        config.server.port = static_cast<std::uint16_t>(run.port);
        config.mode = streams(run) ? chain::RedisMode::streams : chain::RedisMode::pubsub;
        return config;
    }
};

double publish_adapter(const Run& run) {
    return bench::publish<Node>(run, [](Node& node) {
        while (node.adapter.backlog() > 0) node.context.run_one();
    });
}

double receive_bare(const Run& run) {
    const Publisher publisher(run, publish_bare);
    const auto connection = connect(run);
    const auto channel = "chain:" + run.topic;
    const auto stream = stream_of(run);
    std::string last = "0-0";
    append(*connection, {"DEL", stream});
    reply_of(*connection);
    if (!streams(run)) {
        append(*connection, {"SUBSCRIBE", channel});
        reply_of(*connection);
    }
    const auto take = [&](int count) {
        for (int received = 0; received < count;) {
            if (streams(run))
                append(*connection,
                       {"XREAD", "COUNT", "1000", "BLOCK", "2000", "STREAMS", stream, last});
            const auto reply = reply_of(*connection);
            if (!streams(run)) {
                ++received;
                continue;
            }
            if (reply->type != REDIS_REPLY_ARRAY) continue;
            const auto* entries = reply->element[0]->element[1];
            received += static_cast<int>(entries->elements);
            last = entries->element[entries->elements - 1]->element[0]->str;
        }
    };
    const double start = cpu_seconds();
    publisher.publish(
        run.messages, [](int) {}, take);
    return cpu_seconds() - start;
}

double receive_adapter(const Run& run) { return bench::receive<Node>(run, publish_bare); }

} // namespace

int main(int count, char** words) {
    const auto run = bench::run_of(count, words, "pubsub");
    bench::compare(run, "publish", publish_bare, publish_adapter);
    bench::compare(run, "receive", receive_bare, receive_adapter);
}
