// Definitions of <chain/topic.hpp>.
#pragma once

#include <chain/detail/utf8.hpp>
#include <chain/topic.hpp>

#include <algorithm>
#include <stdexcept>

namespace chain {

namespace detail {

bool valid_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 255) return false;
    bool ascii = true; // most are
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == ',' || byte == 0x7f) return false;
        ascii &= byte < 0x80;
    }
    return ascii || valid_utf8(name);
}

} // namespace detail

bool valid_topic(std::string_view topic) noexcept {
    return detail::valid_name(topic) && topic.front() != ' ' && topic.back() != ' ' &&
           topic.find('*') == std::string_view::npos;
}

bool valid_event(std::string_view event) noexcept {
    return detail::valid_name(event) && event.front() != '_';
}

TopicPattern::TopicPattern(std::string text) : text_(std::move(text)) {
    const auto bare = is_prefix() ? prefix() : std::string_view(text_);
    const bool everything = text_ == "*";
    const bool good = detail::valid_name(text_) && bare.find('*') == std::string_view::npos &&
                      (everything || bare.front() != ' ') && (is_prefix() || bare.back() != ' ');
    if (!good)
        throw std::invalid_argument(
            "chain: \"" + text_ +
            "\" is not a pattern: write a name, or a prefix and one trailing *");
}

std::string_view TopicPattern::prefix() const noexcept {
    return is_prefix() ? std::string_view(text_).substr(0, text_.size() - 1)
                       : std::string_view(text_);
}

bool TopicPattern::matches(std::string_view name) const noexcept {
    return is_prefix() ? name.starts_with(prefix()) : name == text_;
}

bool TopicPattern::covers(const TopicPattern& other) const noexcept {
    return is_prefix() ? other.prefix().starts_with(prefix()) : text_ == other.text_;
}

} // namespace chain
