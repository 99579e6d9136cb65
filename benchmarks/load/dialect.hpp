// What the servers under test speak: the frames of the chain protocol, Phoenix's, or socket.io's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

enum class Grammar { chain, phoenix_v1, phoenix_v2, socket_io };

/// The texts of one server's protocol. Join refs are 1; the reply to a join has the ref 1 too.
struct Dialect {
    std::string_view name;
    std::string_view path;
    Grammar grammar = Grammar::chain;

    std::string join(std::string_view topic) const {
        if (grammar == Grammar::socket_io) return R"(421["join",)" + quoted(topic) + "]";
        return frame(topic, grammar == Grammar::chain ? "_join" : "phx_join", 1, "{}");
    }
    std::string leave(std::string_view topic) const {
        if (grammar == Grammar::socket_io) return R"(422["leave",)" + quoted(topic) + "]";
        return frame(topic, grammar == Grammar::chain ? "_leave" : "phx_leave", 2, "{}");
    }
    std::string push(std::string_view topic, std::string_view event, std::uint64_t ref,
                     std::string_view payload) const {
        if (grammar != Grammar::socket_io) return frame(topic, event, ref, payload);
        return "42" + (event == "echo" ? std::to_string(ref) : std::string{}) + "[" +
               quoted(event) + "," + quoted(topic) + "," + std::string{payload} + "]";
    }
    /// What precedes the payload of a broadcast, and what follows it.
    std::string broadcast_head(std::string_view topic) const {
        switch (grammar) {
        case Grammar::chain: return "[2," + quoted(topic) + R"(,"shout",)";
        case Grammar::phoenix_v1:
            return R"({"topic":)" + quoted(topic) + R"(,"event":"shout","payload":)";
        case Grammar::phoenix_v2: return "[null,null," + quoted(topic) + R"(,"shout",)";
        default: return R"(42["shout",)" + quoted(topic) + ",";
        }
    }
    std::string_view broadcast_tail() const {
        return grammar == Grammar::phoenix_v1 ? R"(,"ref":null})" : "]";
    }
    /// What precedes the payload of an ok reply, and what follows it.
    std::string reply_head(std::string_view topic, std::uint64_t ref) const {
        static constexpr auto ok = R"({"status":"ok","response":)";
        const std::string number = std::to_string(ref);
        switch (grammar) {
        case Grammar::chain: return "[1,1," + number + ",0,";
        case Grammar::phoenix_v1:
            return R"({"topic":)" + quoted(topic) + R"(,"event":"phx_reply","payload":)" + ok;
        case Grammar::phoenix_v2:
            return R"(["1",)" + quoted(number) + "," + quoted(topic) + R"(,"phx_reply",)" + ok;
        default: return "43" + number + "[";
        }
    }
    std::string reply_tail(std::uint64_t ref) const {
        if (grammar == Grammar::phoenix_v1)
            return R"(},"ref":)" + quoted(std::to_string(ref)) + "}";
        return grammar == Grammar::phoenix_v2 ? "}]" : "]";
    }

  private:
    static std::string quoted(std::string_view text) { return '"' + std::string{text} + '"'; }

    /// A client's frame.
    std::string frame(std::string_view topic, std::string_view event, std::uint64_t ref,
                      std::string_view payload) const {
        const std::string number = std::to_string(ref);
        const std::string named = quoted(topic) + "," + quoted(event) + "," + std::string{payload};
        switch (grammar) {
        case Grammar::phoenix_v1:
            return R"({"topic":)" + quoted(topic) + R"(,"event":)" + quoted(event) +
                   R"(,"payload":)" + std::string{payload} + R"(,"ref":)" + quoted(number) +
                   R"(,"join_ref":"1"})";
        case Grammar::phoenix_v2: return R"(["1",)" + quoted(number) + "," + named + "]";
        default: return "[0,1," + number + "," + named + "]";
        }
    }
};

inline constexpr Dialect dialects[] = {
    {"chain", "/socket/websocket"},
    {"plain", "/"},
    {"phoenix-v1", "/socket/websocket?vsn=1.0.0", Grammar::phoenix_v1},
    {"phoenix-v2", "/socket/websocket?vsn=2.0.0", Grammar::phoenix_v2},
    {"socket.io", "/socket.io/?EIO=4&transport=websocket", Grammar::socket_io},
};

} // namespace bench
