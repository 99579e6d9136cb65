// Micro-benchmarks of the parts, and how the cost of a publication grows.
#include "../in_process.hpp"
#include "../websocket.hpp"

#include <chain/detail/json_scan.hpp>
#include <chain/detail/utf8.hpp>
#include <chain/detail/ws_codec.hpp>
#include <chain/serializers/chain.hpp>

#include <benchmark/benchmark.h>

#include <span>
#include <string>
#include <vector>

namespace {

std::string payload(std::size_t size) {
    const std::string start = R"({"n":1234567,"from":"somebody","text":")";
    return start + std::string(size - start.size() - 2, 'x') + "\"}";
}

std::string client_frame(std::size_t size) {
    return R"([0,1,2,"room:1","shout",)" + payload(size) + "]";
}

void set_bytes(benchmark::State& state, std::size_t each) {
    state.SetBytesProcessed(static_cast<std::int64_t>(each) * state.iterations());
}

void ws_decode(benchmark::State& state) {
    const auto text = client_frame(static_cast<std::size_t>(state.range(0)));
    std::string frame;
    bench::append_client_frame(frame, bench::Opcode::text, text, 0x12345678);
    chain::detail::WsDecoder decoder{64 * 1024};
    std::string bytes;
    for (auto _ : state) {
        bytes = frame; // the decoder unmasks in place
        std::span<char> input{bytes};
        benchmark::DoNotOptimize(decoder.next(input));
        benchmark::DoNotOptimize(decoder.next(input));
    }
    set_bytes(state, text.size());
}
BENCHMARK(ws_decode)->Arg(128)->Arg(4096);

void json_scan(benchmark::State& state) {
    const auto text = payload(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        chain::detail::JsonScanner scanner{text};
        benchmark::DoNotOptimize(scanner.value());
    }
    set_bytes(state, text.size());
}
BENCHMARK(json_scan)->Arg(128)->Arg(4096);

void json_parse_and_dump(benchmark::State& state) { // for comparison: what the scanner saves
    const auto text = payload(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(chain::Json::parse(text).dump());
    set_bytes(state, text.size());
}
BENCHMARK(json_parse_and_dump)->Arg(128)->Arg(4096);

void utf8_validate(benchmark::State& state) {
    std::string text;
    while (text.size() < 4096) text += state.range(0) == 0 ? "plain text " : "žluťoučký kůň ";
    for (auto _ : state) {
        chain::detail::Utf8Validator validator;
        benchmark::DoNotOptimize(validator.feed(text));
    }
    set_bytes(state, text.size());
}
BENCHMARK(utf8_validate)->Arg(0)->Arg(1);

void serializer_decode(benchmark::State& state) {
    const auto frame = client_frame(static_cast<std::size_t>(state.range(0)));
    chain::Message message;
    for (auto _ : state)
        benchmark::DoNotOptimize(chain::chain_serializer()->decode(frame, false, 64, message));
    set_bytes(state, frame.size());
}
BENCHMARK(serializer_decode)->Arg(128)->Arg(4096);

void serializer_encode(benchmark::State& state) {
    const auto body = payload(static_cast<std::size_t>(state.range(0)));
    chain::Message message;
    message.kind = chain::MessageKind::broadcast;
    message.topic = "room:1";
    message.event = "shout";
    message.payload = body;
    std::string out;
    for (auto _ : state) {
        out.clear();
        benchmark::DoNotOptimize(chain::chain_serializer()->encode(message, out));
    }
    set_bytes(state, body.size());
}
BENCHMARK(serializer_encode)->Arg(128)->Arg(4096);

std::string topic(std::size_t number) { return "room:" + std::to_string(number); }

/// `sessions` are in `topics` each, of their own but for the first, which all share.
void fill(bench::Clients& clients, std::size_t sessions, std::size_t topics) {
    std::size_t next = 1;
    for (std::size_t s = 0; s < sessions; ++s) {
        clients.connect();
        clients.join(s, topic(0));
        for (std::size_t i = 1; i < topics; ++i) clients.join(s, topic(next++));
    }
}

/// A publication to a topic with one subscriber, with so many topics on the lane: 100 for each
/// session.
void publish_with_topics(benchmark::State& state) {
    const auto topics = static_cast<std::size_t>(state.range(0));
    bench::Clients clients{chain::Framing::websocket};
    std::vector<std::pair<std::size_t, std::string>> pushes;
    for (std::size_t i = 0; i < topics; ++i) {
        if (i % 100 == 0) clients.connect();
        clients.join(i / 100, topic(i));
    }
    for (std::size_t i = 0; i < 1024; ++i) { // topics far apart: no cache holds them all
        const auto number = i * 7919 % topics;
        pushes.emplace_back(number / 100, bench::push(topic(number), "shout"));
    }
    std::size_t next = 0;
    for (auto _ : state) {
        const auto& [session, frame] = pushes[next++ % pushes.size()];
        clients.send(session, frame);
        clients.turn();
    }
}
BENCHMARK(publish_with_topics)->RangeMultiplier(10)->Range(10, 1'000'000)->Iterations(20'000);

/// A publication to all of so many subscribers; time is for each of them.
void publish_to_subscribers(benchmark::State& state) {
    const auto subscribers = static_cast<std::size_t>(state.range(0));
    bench::Clients clients{chain::Framing::websocket};
    fill(clients, subscribers, 1);
    const auto frame = bench::push(topic(0), "shout");
    for (auto _ : state) {
        clients.send(0, frame);
        clients.turn();
    }
    state.counters["per_subscriber"] = benchmark::Counter(
        static_cast<double>(subscribers),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(publish_to_subscribers)->RangeMultiplier(10)->Range(1, 10'000);

/// A publication to 100 sessions, each in so many topics.
void publish_with_topics_per_session(benchmark::State& state) {
    bench::Clients clients{chain::Framing::websocket};
    fill(clients, 100, static_cast<std::size_t>(state.range(0)));
    const auto frame = bench::push(topic(0), "shout");
    for (auto _ : state) {
        clients.send(0, frame);
        clients.turn();
    }
}
BENCHMARK(publish_with_topics_per_session)->RangeMultiplier(10)->Range(1, 100);

} // namespace

BENCHMARK_MAIN();
