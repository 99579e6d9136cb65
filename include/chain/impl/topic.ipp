// Definitions of <chain/topic.hpp>.
#pragma once

#include <chain/detail/utf8.hpp>
#include <chain/topic.hpp>

#include <algorithm>
#include <stdexcept>

namespace chain {

namespace detail {

bool allowed_in_names(char c) noexcept {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != ',';
}

bool valid_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 255 || !std::ranges::all_of(name, allowed_in_names))
        return false;
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    return std::ranges::all_of(name, is_ascii) || valid_utf8(name); // most are
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
