// What the servers under test speak: the frames of the chain protocol, or socket.io's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

/// The texts of one server's protocol. Join refs are 1; the reply to a join has the ref 1 too.
struct Dialect {
    std::string_view name;
    std::string_view path;
    bool engine_io = false; ///< socket.io: packets with a number first, and a handshake of its own.

    std::string join(std::string_view topic) const {
        if (engine_io) return R"(421["join",)" + quoted(topic) + "]";
        return "[0,1,1," + quoted(topic) + R"(,"_join",{}])";
    }
    std::string leave(std::string_view topic) const {
        if (engine_io) return R"(422["leave",)" + quoted(topic) + "]";
        return "[0,1,2," + quoted(topic) + R"(,"_leave",{}])";
    }
    std::string push(std::string_view topic, std::string_view event, std::uint64_t ref,
                     std::string_view payload) const {
        const std::string number = std::to_string(ref);
        if (engine_io) {
            return "42" + (event == "echo" ? number : std::string{}) + "[" + quoted(event) + "," +
                   quoted(topic) + "," + std::string{payload} + "]";
        }
        return "[0,1," + number + "," + quoted(topic) + "," + quoted(event) + "," +
               std::string{payload} + "]";
    }
    /// What precedes the payload of a broadcast; "]" follows it.
    std::string broadcast_head(std::string_view topic) const {
        if (engine_io) return R"(42["shout",)" + quoted(topic) + ",";
        return "[2," + quoted(topic) + R"(,"shout",)";
    }
    /// What precedes the payload of an ok reply; "]" follows it.
    std::string reply_head(std::uint64_t ref) const {
        if (engine_io) return "43" + std::to_string(ref) + "[";
        return "[1,1," + std::to_string(ref) + ",0,";
    }

  private:
    static std::string quoted(std::string_view text) { return '"' + std::string{text} + '"'; }
};

inline constexpr Dialect dialects[] = {
    {"chain", "/socket/websocket"},
    {"plain", "/"},
    {"socket.io", "/socket.io/?EIO=4&transport=websocket", true},
};

} // namespace bench
