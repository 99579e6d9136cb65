// Checks JSON text without building anything, and writes it: the scanner of the read path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chain::detail {

/// What a scan found at one JSON value.
struct JsonSlice {
    /// The value's bytes, from its first to its last character; they belong to the scanned text.
    std::string_view text;
    /// False: white space outside strings was seen inside the value.
    bool compact;
    /// The value's first character: `{` `[` `"` `t` `f` `n`, or `0` for any number.
    char kind;
};

/// Reads JSON values one after another from a text, checking them without building anything.
///
/// A value is accepted if and only if nlohmann::json::parse accepts it (RFC 8259; strings are valid
/// UTF-8 without lone surrogates; numbers fit a double) and it is not nested too deeply. The text
/// around the values is the caller's to judge, and two things that nlohmann lets pass there are no
/// part of JSON here: a byte order mark, and a NUL byte after the last value.
class JsonScanner {
  public:
    enum class Failure : std::uint8_t { none, not_json, too_deep };

    /// The deepest nesting that can be asked for; a larger `max_depth` counts as this.
    static constexpr unsigned depth_capacity = 1024;

    /// @param text       must outlive the scanner and the slices it returns
    /// @param max_depth  how many arrays and objects may be open at once within one value
    explicit JsonScanner(std::string_view text, unsigned max_depth = 64) noexcept;

    /// Skips white space; true and consumed when the next character is `c`.
    bool consume(char c) noexcept {
        skip_space();
        if (cursor_ == end_ || *cursor_ != c) return false;
        ++cursor_;
        return true;
    }

    /// Skips white space.
    /// @return the next character, which is not consumed; NUL at the end
    char peek() noexcept {
        skip_space();
        return cursor_ == end_ ? '\0' : *cursor_;
    }

    /// Skips white space and reads one whole value of any kind.
    /// @return the value; nothing if what follows is not JSON or is too deep. Then `failure()`
    /// tells
    ///         which, nothing of it is consumed, and every later call returns nothing as well.
    std::optional<JsonSlice> value() noexcept {
        bool compact = true;
        const auto text = value_text(compact);
        if (text.empty()) return std::nullopt;
        const char first = text.front();
        const bool number = first == '-' || (first >= '0' && first <= '9');
        return JsonSlice{text, compact, number ? '0' : first};
    }

    /// The same for those to whom the kind is all one, and faster.
    /// @return the value's bytes, or none; `compact` becomes false where `JsonSlice` has it so
    std::string_view value_text(bool& compact) noexcept;

    /// Skips white space and reads a string literal without escapes and without characters beyond
    /// ASCII, as most names are.
    /// @return what is between its quotes; nothing if something else is there, which is then not
    ///         consumed and is no failure
    std::optional<std::string_view> plain_string() noexcept;

    /// What has not been consumed.
    std::string_view rest() const noexcept {
        return {cursor_, static_cast<std::size_t>(end_ - cursor_)};
    }
    /// Goes to a place in `rest`: what is before it the caller has read by itself.
    void go_to(const char* place) noexcept { cursor_ = place; }

    /// True when only white space is left.
    bool at_end() noexcept;

    /// Why `value()` returned nothing.
    Failure failure() const noexcept;

    /// How many bytes have been consumed.
    std::size_t position() const noexcept;

  private:
    /// Most texts have none.
    void skip_space() noexcept {
        if (cursor_ != end_ && *cursor_ <= ' ') skip_some_space();
    }
    void skip_some_space() noexcept;

    const char* begin_;
    const char* cursor_;
    const char* end_;
    unsigned max_depth_;
    Failure failure_ = Failure::none;
};

/// The value of a string literal: its characters without quotes and escapes.
/// @param literal  with its quotes, validated
/// @param storage  overwritten with the value if the literal has escapes, else left alone
/// @return a view into `literal` if it has no escapes, else into `storage`
std::string_view json_string_value(std::string_view literal, std::string& storage);

/// Appends `text`, which is valid UTF-8, as a string literal with its quotes. Escapes only what
/// JSON demands: the quote, the backslash and control characters.
void append_json_string(std::string& out, std::string_view text);

/// `text`, one validated value, without white space outside strings and without a byte order mark.
std::string compact_json(std::string_view text);

/// Is `text` exactly one JSON value, with white space around it or not? As with
/// nlohmann::json::parse a byte order mark may precede it; unlike there a NUL byte does not end it.
bool valid_json(std::string_view text, unsigned max_depth = 64) noexcept;

/// The first byte from `p` on that is not plain text inside a string literal: a quote, a backslash,
/// a control character or a byte beyond ASCII; `end` if there is none.
const char* skip_plain_text(const char* p, const char* end) noexcept;

/// The same by ordinary arithmetic: what `skip_plain_text` is where no vector unit is known.
const char* skip_plain_text_portable(const char* p, const char* end) noexcept;

} // namespace chain::detail
