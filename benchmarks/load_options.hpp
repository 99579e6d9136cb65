// The load generator's command line.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

constexpr const char* load_usage =
    R"(load --port P [options]: many subscribers, one publisher; prints one line of JSON
  --dialect chain|floor  the server: chain's is at /socket/websocket, the floor's at / (chain)
  --subscribers N        connections besides the publisher, which joins too (1000)
  --size BYTES           the payload element, braces included (128)
  --window W             messages published and not yet received by all (16)
  --messages M           messages that are measured (4000)
  --warm-up M            messages before them (a tenth, at least four windows)
  --server-pid PID       whose CPU time and memory to read
  --idle                 connect and join, publish nothing, report the memory
  --timeout SECONDS      of silence, after which what is missing counts as lost (10)
)";

struct LoadOptions {
    std::uint64_t port = 0;
    std::string dialect = "chain";
    std::uint64_t subscribers = 1000;
    std::uint64_t size = 128;
    std::uint64_t window = 16;
    std::uint64_t messages = 4000;
    std::uint64_t warm_up = 0;
    std::uint64_t server_pid = 0;
    std::uint64_t timeout = 10;
    bool idle = false;

    std::string_view path() const { return dialect == "chain" ? "/socket/websocket" : "/"; }
    std::uint64_t sessions() const { return subscribers + 1; }
};

inline std::uint64_t parse_number(std::string_view option, std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    throw std::invalid_argument{std::string{option} + " needs a number"};
}

inline void validate(LoadOptions& options) {
    if (options.port == 0 || options.port > 65535) throw std::invalid_argument{"--port is missing"};
    if (options.window == 0) throw std::invalid_argument{"--window must be at least 1"};
    if (options.messages == 0) throw std::invalid_argument{"--messages must be at least 1"};
    if (options.dialect != "chain" && options.dialect != "floor") {
        throw std::invalid_argument{"--dialect is chain or floor"};
    }
    if (options.idle && options.server_pid == 0) {
        throw std::invalid_argument{"--idle needs --server-pid"};
    }
    if (options.warm_up == 0) {
        options.warm_up = std::max(options.messages / 10, options.window * 4);
    }
}

inline LoadOptions parse_load_options(int argc, char** argv) {
    LoadOptions options;
    const std::map<std::string_view, std::uint64_t*> numbers{
        {"--port", &options.port},         {"--subscribers", &options.subscribers},
        {"--size", &options.size},         {"--window", &options.window},
        {"--messages", &options.messages}, {"--warm-up", &options.warm_up},
        {"--timeout", &options.timeout},   {"--server-pid", &options.server_pid}};
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--idle") {
            options.idle = true;
            continue;
        }
        if (i + 1 == argc)
            throw std::invalid_argument{std::string{name} + " is unknown or needs a value"};
        const std::string_view value = argv[++i];
        if (name == "--dialect") {
            options.dialect = value;
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
