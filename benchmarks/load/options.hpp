// The load generator's command line.
#pragma once

#include "dialect.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

constexpr const char* load_usage =
    R"(load --port P --work KIND [options]: prints one line of JSON
  --work fan-out         one publisher in each room, everyone receives (the default)
  --work requests        each connection keeps --window requests open
  --work churn           connect, join, leave, close, 32 at a time
  --work idle            connect and join, and report the memory
  --work cycles          the same over and over: memory after the first time and after the last
  --work topics          --rooms of one connection each, which is in several; random ones get messages
  --work storm           all join one topic at once, and hear of each other by presence
  --dialect chain|plain|phoenix-v1|phoenix-v2|socket.io  what the server speaks (chain)
  --carrier websocket|sse|longpoll  of all but the publishers (websocket)
  --tls 1                over TLS
  --deflate 1            with permessage-deflate
  --connections N        besides the publishers, which join too (1000)
  --rooms N              that the connections are spread over (1)
  --size BYTES           the payload element, braces included (128)
  --window W             messages published and not yet received by all, in each room (16)
  --messages M           messages, requests or connections that are measured, in all (4000)
  --warm-up M            messages before them (a tenth, at least four windows of each)
  --deaf N               of the connections, how many never read (0)
  --server-pid PID       whose CPU time and memory to read
  --timeout SECONDS      of silence, after which what is missing counts as lost (10)
)";

enum class Carrier { websocket, sse, longpoll };

struct LoadOptions {
    std::uint64_t port = 0;
    std::string work = "fan-out";
    Dialect dialect = dialects[0];
    Carrier carrier = Carrier::websocket;
    std::string topics = "room"; ///< What the topics' names begin with.
    std::uint64_t tls = 0;
    std::uint64_t deflate = 0;
    std::uint64_t connections = 1000;
    std::uint64_t rooms = 1;
    std::uint64_t size = 128;
    std::uint64_t window = 16;
    std::uint64_t messages = 4000;
    std::uint64_t warm_up = 0;
    std::uint64_t deaf = 0;
    std::uint64_t server_pid = 0;
    std::uint64_t timeout = 10;

    /// Connections, publishers included.
    std::uint64_t sessions() const { return connections + (work == "fan-out" ? rooms : 0); }
};

inline std::uint64_t parse_number(std::string_view option, std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    throw std::invalid_argument{std::string{option} + " needs a number"};
}

inline const Dialect& parse_dialect(std::string_view name) {
    for (const Dialect& dialect : dialects)
        if (dialect.name == name) return dialect;
    throw std::invalid_argument{"--dialect is unknown"};
}

inline Carrier parse_carrier(std::string_view name) {
    if (name == "websocket") return Carrier::websocket;
    if (name == "sse") return Carrier::sse;
    if (name == "longpoll") return Carrier::longpoll;
    throw std::invalid_argument{"--carrier is websocket, sse or longpoll"};
}

inline void validate(LoadOptions& options) {
    static constexpr std::string_view works[] = {"fan-out", "requests", "churn", "idle",
                                                 "cycles",  "storm",    "topics"};
    if (options.port == 0 || options.port > 65535) throw std::invalid_argument{"--port is missing"};
    if (std::ranges::find(works, options.work) == std::end(works))
        throw std::invalid_argument{"--work is unknown"};
    if (options.window == 0) throw std::invalid_argument{"--window must be at least 1"};
    if (options.messages == 0) throw std::invalid_argument{"--messages must be at least 1"};
    if (options.rooms == 0) throw std::invalid_argument{"--rooms must be at least 1"};
    if (options.deaf > 0 && (options.rooms > 1 || options.deaf >= options.connections))
        throw std::invalid_argument{"--deaf is for one room with more connections than that"};
    if ((options.work == "idle" || options.work == "cycles") && options.server_pid == 0)
        throw std::invalid_argument{"--work " + options.work + " needs --server-pid"};
    if (options.work == "storm") options.topics = "presence";
    std::uint64_t at_once = options.window;
    if (options.work == "topics") {
        if (options.connections == 0 || options.rooms % options.connections != 0 ||
            options.carrier != Carrier::websocket)
            throw std::invalid_argument{"--work topics needs as many --rooms for each connection, "
                                        "which is a WebSocket"};
    } else {
        at_once *= options.work == "requests" ? options.connections : options.rooms;
    }
    if (options.warm_up == 0) options.warm_up = std::max(options.messages / 10, 4 * at_once);
}

inline LoadOptions parse_load_options(int argc, char** argv) {
    LoadOptions options;
    const std::map<std::string_view, std::uint64_t*> numbers{
        {"--port", &options.port},       {"--connections", &options.connections},
        {"--rooms", &options.rooms},     {"--size", &options.size},
        {"--window", &options.window},   {"--messages", &options.messages},
        {"--warm-up", &options.warm_up}, {"--deaf", &options.deaf},
        {"--timeout", &options.timeout}, {"--server-pid", &options.server_pid},
        {"--tls", &options.tls},         {"--deflate", &options.deflate}};
    for (int i = 1; i < argc; i += 2) {
        const std::string_view name = argv[i];
        if (i + 1 == argc)
            throw std::invalid_argument{std::string{name} + " is unknown or needs a value"};
        const std::string_view value = argv[i + 1];
        if (name == "--dialect") {
            options.dialect = parse_dialect(value);
        } else if (name == "--carrier") {
            options.carrier = parse_carrier(value);
        } else if (name == "--work") {
            options.work = value;
        } else if (const auto number = numbers.find(name); number != numbers.end()) {
            *number->second = parse_number(name, value);
        } else {
            throw std::invalid_argument{std::string{name} + " is unknown"};
        }
    }
    validate(options);
    return options;
}

} // namespace bench
