// Definitions of the JSON scanner and the JSON text functions: no recursion, no allocation to scan.
#pragma once

#include <chain/detail/json_scan.hpp>
#include <chain/impl/json_grammar.ipp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace chain::detail {

namespace json_grammar {
namespace {

// Values

const char* skip_word(const char* p, const char* end, std::string_view word) noexcept {
    const auto left = static_cast<std::size_t>(end - p);
    const bool found = left >= word.size() && std::memcmp(p, word.data(), word.size()) == 0;
    return found ? p + word.size() : nullptr;
}

// A word, which few values are.
const char* skip_literal(const char* p, const char* end) noexcept {
    switch (*p) {
    case 't': return skip_word(p, end, "true");
    case 'f': return skip_word(p, end, "false");
    case 'n': return skip_word(p, end, "null");
    default: return nullptr;
    }
}

inline const char* skip_scalar(const char* p, const char* end) noexcept {
    if (*p == '"') return skip_string(p + 1, end);
    return *p == '-' || is_digit(*p) ? skip_number(p, end) : skip_literal(p, end);
}

bool opens(char c) noexcept { return c == '[' || c == '{'; }

// Reads a value with all that is in it.
class ValueScan {
  public:
    ValueScan(const char* end, unsigned max_depth) noexcept : end_(end), max_depth_(max_depth) {}

    /// @return the place behind it, or null when it is none
    const char* skip(const char* p) noexcept {
        do p = skip_element(p);
        while (p != nullptr && depth_ > 0);
        return p;
    }
    bool compact() const noexcept { return compact_; }
    bool too_deep() const noexcept { return too_deep_; }

  private:
    // White space where something else is expected: most values are written without any.
    const char* skip_inner_space(const char* p) noexcept {
        const char* const next = skip_space(p, end_);
        compact_ = compact_ && next == p;
        return next;
    }

    // One character, with white space before it or not.
    const char* skip_mark(const char* p, char mark) noexcept {
        return p != end_ && *p == mark ? p + 1 : skip_spaced_mark(p, mark);
    }
    const char* skip_spaced_mark(const char* p, char mark) noexcept {
        p = skip_inner_space(p);
        return p != end_ && *p == mark ? p + 1 : nullptr;
    }

    // An element, with a key and its colon where it has one, and in a container what follows it.
    const char* skip_element(const char* p) noexcept {
        if (closing_ == '}') p = skip_key(p);
        if (p == nullptr || p == end_) return nullptr;
        if (is_space(*p) && (p = skip_inner_space(p)) == end_) return nullptr;
        if (opens(*p)) return open(p);
        p = skip_scalar(p, end_);
        return p == nullptr || depth_ == 0 ? p : skip_after_element(p);
    }

    const char* skip_key(const char* p) noexcept {
        if ((p = skip_mark(p, '"')) == nullptr) return nullptr;
        if ((p = skip_string(p, end_)) == nullptr) return nullptr;
        return skip_mark(p, ':');
    }

    // The beginning of a container, and the end of an empty one.
    const char* open(const char* p) noexcept {
        if (depth_ == max_depth_) {
            too_deep_ = true;
            return nullptr;
        }
        outer_[depth_++] = closing_;
        closing_ = *p == '[' ? ']' : '}';
        p = skip_inner_space(p + 1);
        return p != end_ && *p == closing_ ? skip_after_element(p) : p;
    }

    // A comma, or the ends of containers and then a comma, unless the outermost has ended.
    const char* skip_after_element(const char* p) noexcept {
        while (p != end_) {
            if (*p == ',') return p + 1;
            if (*p == closing_) {
                ++p;
                closing_ = outer_[--depth_];
                if (depth_ == 0) return p;
            } else if (is_space(*p)) {
                p = skip_inner_space(p);
            } else {
                return nullptr;
            }
        }
        return nullptr;
    }

    const char* const end_;
    const unsigned max_depth_;
    unsigned depth_ = 0;
    char closing_ = 0;
    bool compact_ = true;
    bool too_deep_ = false;
    // Of what is around the innermost container. Not initialised: what is not in use is never read.
    std::array<char, JsonScanner::depth_capacity> outer_;
};

// Text

void append_utf8(std::string& out, std::uint32_t code_point) {
    const auto tail = [code_point](unsigned shift) {
        return static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
    };
    if (code_point < 0x80) {
        out += static_cast<char>(code_point);
    } else if (code_point < 0x800) {
        out += {static_cast<char>(0xC0U | (code_point >> 6)), tail(0)};
    } else if (code_point < 0x10000) {
        out += {static_cast<char>(0xE0U | (code_point >> 12)), tail(6), tail(0)};
    } else {
        out += {static_cast<char>(0xF0U | (code_point >> 18)), tail(12), tail(6), tail(0)};
    }
}

// `p` is behind the `u` of a validated escape.
const char* append_code_point(std::string& out, const char* p, const char* end) {
    auto code_point = static_cast<std::uint32_t>(code_unit(p, end));
    p += 4;
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
        const auto low = static_cast<std::uint32_t>(code_unit(p + 2, end));
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
        p += 6;
    }
    append_utf8(out, code_point);
    return p;
}

const char* find_backslash(const char* p, const char* end) noexcept {
    const void* const found = std::memchr(p, '\\', static_cast<std::size_t>(end - p));
    return found == nullptr ? end : static_cast<const char*>(found);
}

// In the order of `short_escapes`.
constexpr std::string_view short_escape_values = "\"\\/\b\f\n\r\t";

// `p` is behind the backslash of a validated escape.
const char* append_unescaped(std::string& out, const char* p, const char* end) {
    if (*p == 'u') return append_code_point(out, p + 1, end);
    out += short_escape_values[short_escapes.find(*p)];
    return p + 1;
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto known = short_escape_values.find(c);
    if (known != std::string_view::npos) {
        out += {'\\', short_escapes[known]};
        return;
    }
    const auto value = static_cast<unsigned char>(c);
    out += {'\\', 'u', '0', '0', digits[value >> 4], digits[value & 0xF]};
}

// The first character that a string literal cannot hold as it is.
const char* find_escapable(const char* p, const char* end) noexcept {
    while ((p = skip_plain_text(p, end)) != end && !is_ascii(*p))
        p = std::find_if(p, end, is_ascii);
    return p;
}

// A string literal, or what comes before the next one or the next white space.
const char* skip_compact(const char* p, const char* end) noexcept {
    if (*p != '"') return std::find_if(p, end, [](char c) { return c == '"' || is_space(c); });
    const char* const behind = skip_string(p + 1, end);
    return behind == nullptr ? end : behind;
}

} // namespace
} // namespace json_grammar

JsonScanner::JsonScanner(std::string_view text, unsigned max_depth) noexcept
    : begin_(text.data()), cursor_(begin_), end_(begin_ + text.size()),
      max_depth_(std::min(max_depth, depth_capacity)) {}

void JsonScanner::skip_some_space() noexcept { cursor_ = json_grammar::skip_space(cursor_, end_); }

std::string_view JsonScanner::value_text(bool& compact) noexcept {
    if (failure_ != Failure::none) return {};
    skip_space();
    json_grammar::ValueScan value(end_, max_depth_);
    const char* const behind = value.skip(cursor_);
    if (behind == nullptr) {
        failure_ = value.too_deep() ? Failure::too_deep : Failure::not_json;
        return {};
    }
    compact = value.compact();
    const char* const begin = std::exchange(cursor_, behind);
    return {begin, static_cast<std::size_t>(behind - begin)};
}

std::optional<std::string_view> JsonScanner::plain_string() noexcept {
    if (failure_ != Failure::none) return std::nullopt;
    skip_space();
    const char* const quote = json_grammar::find_plain_end(cursor_, end_);
    if (quote == nullptr) return std::nullopt;
    const char* const begin = cursor_ + 1;
    cursor_ = quote + 1;
    return std::string_view(begin, static_cast<std::size_t>(quote - begin));
}

bool JsonScanner::at_end() noexcept {
    skip_space();
    return cursor_ == end_;
}

JsonScanner::Failure JsonScanner::failure() const noexcept { return failure_; }

std::size_t JsonScanner::position() const noexcept {
    return static_cast<std::size_t>(cursor_ - begin_);
}

bool valid_json(std::string_view text, unsigned max_depth) noexcept {
    JsonScanner scanner{json_grammar::without_byte_order_mark(text), max_depth};
    return scanner.value().has_value() && scanner.at_end();
}

std::string_view json_string_value(std::string_view literal, std::string& storage) {
    const auto body = literal.substr(1, literal.size() - 2);
    const char* p = body.data();
    const char* const end = p + body.size();
    const char* backslash = json_grammar::find_backslash(p, end);
    if (backslash == end) return body;
    storage.clear();
    for (; backslash != end; backslash = json_grammar::find_backslash(p, end)) {
        storage.append(p, backslash);
        p = json_grammar::append_unescaped(storage, backslash + 1, end);
    }
    return storage.append(p, end);
}

void append_json_string(std::string& out, std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    out += '"';
    while (p != end) {
        const char* const stop = json_grammar::find_escapable(p, end);
        out.append(p, stop);
        p = stop;
        if (p != end) json_grammar::append_escaped(out, *p++);
    }
    out += '"';
}

std::string compact_json(std::string_view text) {
    text = json_grammar::without_byte_order_mark(text);
    std::string out;
    out.reserve(text.size());
    const char* p = text.data();
    const char* const end = p + text.size();
    while ((p = json_grammar::skip_space(p, end)) != end) {
        const char* const behind = json_grammar::skip_compact(p, end);
        out.append(p, behind);
        p = behind;
    }
    return out;
}

} // namespace chain::detail
