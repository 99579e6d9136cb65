// Topic and event names, and patterns of them.
#pragma once

#include <chain/error.hpp>

#include <string>
#include <string_view>

namespace chain {

/// Is `topic` a name that can be joined: 1 to 255 bytes of UTF-8, no comma, no `*`, no control
/// character, no leading or trailing space? Names are compared byte for byte; nothing is trimmed.
bool valid_topic(std::string_view topic) noexcept;

/// Is `event` a name that applications may use: 1 to 255 bytes of UTF-8, no comma, no control
/// character, no leading
/// `_` (those are the protocol's own)?
bool valid_event(std::string_view event) noexcept;

/// A name, or a prefix followed by one `*` that stands for any rest, the empty one too: `room:*`,
/// `lobby`, `*`.
class TopicPattern {
  public:
    /// @throws std::invalid_argument when `text` is neither a valid name nor a valid prefix and one
    /// trailing `*`.
    explicit TopicPattern(std::string text);

    /// The pattern as written.
    const std::string& text() const noexcept { return text_; }
    /// True when it ends in `*`.
    bool is_prefix() const noexcept { return text_.ends_with('*'); }
    /// The text without the trailing `*`.
    std::string_view prefix() const noexcept;
    /// Does `name` match?
    bool matches(std::string_view name) const noexcept;
    /// Does every name that `other` matches match this one too?
    bool covers(const TopicPattern& other) const noexcept;

  private:
    std::string text_;
};

} // namespace chain
