// Definitions of the JSON scanner and the JSON text functions: no recursion, no allocation to scan.
#pragma once

#include <chain/detail/json_scan.hpp>
#include <chain/impl/json_grammar.ipp>

#include <algorithm>
#include <array>
#include <cstring>

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

// White space where something else is expected: most values are written without any.
inline const char* skip_inner_space(const char* p, const char* end, bool& compact) noexcept {
    const char* const next = skip_space(p, end);
    compact = compact && next == p;
    return next;
}

// One character, with white space before it or not.
inline const char* skip_mark(const char* p, const char* end, char mark, bool& compact) noexcept {
    if (p != end && *p != mark) p = skip_inner_space(p, end, compact);
    return p != end && *p == mark ? p + 1 : nullptr;
}

// A key and its colon.
inline const char* skip_key(const char* p, const char* end, bool& compact) noexcept {
    if ((p = skip_mark(p, end, '"', compact)) == nullptr) return nullptr;
    if ((p = skip_string(p, end)) == nullptr) return nullptr;
    return skip_mark(p, end, ':', compact);
}

// The closing characters of the open arrays and objects, innermost last.
struct Nesting {
    std::array<char, JsonScanner::depth_capacity> closing;
    unsigned depth;

    char innermost() const noexcept { return closing[depth - 1]; }
};

// What follows an element: the ends of containers and, unless the outermost has ended, a comma.
inline const char* skip_after_element(const char* p, const char* end, Nesting& open,
                                      bool& compact) noexcept {
    while (p != end) {
        if (*p == ',') return p + 1;
        if (*p == open.innermost()) {
            ++p;
            if (--open.depth == 0) return p;
        } else if (is_space(*p)) {
            p = skip_inner_space(p, end, compact);
        } else {
            return nullptr;
        }
    }
    return nullptr;
}

bool opens(char c) noexcept { return c == '[' || c == '{'; }

struct Findings {
    bool compact = true;
    bool too_deep = false;
};

// An array or object with all that is in it.
const char* skip_container(const char* p, const char* end, unsigned max_depth,
                           Findings& found) noexcept {
    Nesting open; // not initialised: what is not in use is never read
    open.depth = 0;
    bool compact = true;
    while (p != nullptr && p != end) { // an element, or white space before one
        if (opens(*p)) {
            if (open.depth == max_depth) {
                found.too_deep = true;
                return nullptr;
            }
            const char closing = *p == '[' ? ']' : '}';
            open.closing[open.depth++] = closing;
            p = skip_inner_space(p + 1, end, compact);
            if (p != end && *p != closing) {
                if (closing == '}') p = skip_key(p, end, compact);
                continue;
            }
        } else if (is_space(*p)) {
            p = skip_inner_space(p, end, compact);
            continue;
        } else if ((p = skip_scalar(p, end)) == nullptr) {
            return nullptr;
        }
        p = skip_after_element(p, end, open, compact);
        if (p == nullptr) return nullptr;
        if (open.depth == 0) {
            found.compact = compact;
            return p;
        }
        if (open.innermost() == '}') p = skip_key(p, end, compact);
    }
    return nullptr;
}

// Are these digits, more than one, not canonical, or their number 2^53 or more?
bool is_odd_integer(std::string_view digits) noexcept {
    constexpr std::string_view limit = "9007199254740992"; // 2^53
    if (digits.front() == '0') return true;
    return digits.size() >= limit.size() && (digits.size() > limit.size() || digits >= limit);
}

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

std::optional<JsonSlice> JsonScanner::value() noexcept {
    if (failure_ != Failure::none) return std::nullopt;
    const char first = peek();
    json_grammar::Findings found;
    const char* behind = nullptr;
    if (json_grammar::opens(first))
        behind = json_grammar::skip_container(cursor_, end_, max_depth_, found);
    else if (cursor_ != end_)
        behind = json_grammar::skip_scalar(cursor_, end_);
    if (behind == nullptr) {
        failure_ = found.too_deep ? Failure::too_deep : Failure::not_json;
        return std::nullopt;
    }
    const std::string_view text{cursor_, static_cast<std::size_t>(behind - cursor_)};
    cursor_ = behind;
    const bool number = first == '-' || json_grammar::is_digit(first);
    return JsonSlice{text, found.compact, number ? '0' : first};
}

std::optional<std::string_view> JsonScanner::plain_string() noexcept {
    if (failure_ != Failure::none || peek() != '"') return std::nullopt;
    const char* const begin = cursor_ + 1;
    const char* const stop = json_grammar::skip_plain(begin, end_);
    if (stop == end_ || *stop != '"') return std::nullopt;
    cursor_ = stop + 1;
    return std::string_view(begin, static_cast<std::size_t>(stop - begin));
}

std::optional<std::uint64_t> JsonScanner::small_unsigned() noexcept {
    const auto digits = small_unsigned_text();
    if (digits.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (const char digit : digits) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    return value;
}

std::string_view JsonScanner::small_unsigned_text() noexcept {
    skip_space();
    const char* const stop = json_grammar::skip_digits(cursor_, end_);
    const std::string_view digits{cursor_, static_cast<std::size_t>(stop - cursor_)};
    const bool more = stop != end_ && (*stop == '.' || (*stop | 0x20) == 'e');
    const bool odd = digits.size() > 1 && json_grammar::is_odd_integer(digits);
    if (more || odd) return {};
    cursor_ = stop;
    return digits;
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
