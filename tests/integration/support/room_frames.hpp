// Frames of the chain protocol between a client and the server of `room_channel`.
#pragma once

#include <string>

namespace test {

inline const std::string join = R"([0,1,1,"room:a","_join",{}])";
inline const std::string joined = "[1,1,1,0,{}]";

/// Says a JSON value to everybody in the room.
inline std::string say(const std::string& value) {
    return R"([0,1,2,"room:a","say",)" + value + "]";
}
/// What everybody in the room hears then.
inline std::string said(const std::string& value) { return R"([2,"room:a","say",)" + value + "]"; }

} // namespace test
