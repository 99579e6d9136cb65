// Definitions of <chain/detail/nats_subject.hpp>.
#pragma once

#include <chain/detail/nats_subject.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>

namespace chain::detail {

bool plain_in_subjects(char c) noexcept {
    return c > 0x20 && c < 0x7f && std::string_view(".*>%:").find(c) == std::string_view::npos;
}

void append_escaped(std::string& out, char c) {
    static constexpr char digits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
}

std::string nats_subject(std::string_view prefix, std::string_view topic) {
    std::string out(prefix);
    out += '.';
    for (std::size_t i = 0; i < topic.size(); ++i) {
        const bool separates = topic[i] == ':' && out.back() != '.' && i + 1 < topic.size();
        if (separates)
            out += '.';
        else if (plain_in_subjects(topic[i]))
            out += topic[i];
        else
            append_escaped(out, topic[i]);
    }
    return out;
}

std::optional<std::string> nats_topic(std::string_view prefix, std::string_view subject) {
    if (!subject.starts_with(prefix) || subject.size() <= prefix.size() + 1) return std::nullopt;
    std::string escaped(subject.substr(prefix.size() + 1));
    std::ranges::replace(escaped, '.', ':');
    return percent_decode(escaped, false);
}

/// NATS knows wildcards for whole parts only: what `start` has of an unfinished part is left to
/// whoever receives.
std::vector<std::string> nats_wildcards(std::string_view prefix, std::string_view start) {
    const auto part = nats_subject(prefix, std::string(start) + 'x');
    const auto parts = part.substr(0, part.rfind('.') + 1);
    std::vector<std::string> subjects{parts + '>'};
    // A topic that ends in the colon has no part after it.
    const auto bare = start.ends_with(':') ? nats_subject(prefix, start) : parts;
    if (!bare.starts_with(parts)) subjects.push_back(bare);
    return subjects;
}

} // namespace chain::detail
