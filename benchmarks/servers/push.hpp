// What a client sends, for servers that look at no JSON.
#pragma once

#include <string_view>

namespace bench {

/// A client push, cut at its commas: no element before the payload can hold one.
struct Push {
    std::string_view join_ref, ref, topic, event, payload;
};

inline Push parse_push(std::string_view text) {
    const auto element = [&text] {
        const std::size_t comma = text.find(',');
        const std::string_view value = text.substr(0, comma);
        text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
        return value;
    };
    element(); // "[0"
    Push push{element(), element(), element(), element(), {}};
    push.payload = text.substr(0, text.rfind(']'));
    return push;
}

} // namespace bench
