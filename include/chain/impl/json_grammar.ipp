// The words of JSON's grammar: white space, strings and numbers, each checked where it stands.
#pragma once

#include <chain/detail/json_scan.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace chain::detail {

// Each of these functions takes the place where something is to be read, never past the end, and
// returns the place behind it, or nullptr if it is not there.
namespace json_grammar {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// 2^1024 - 2^970, halfway between the largest double and what would be the next one: from here on
// a number is rounded to infinity.
constexpr std::string_view overflow_limit =
    "17976931348623158079372897140530341507993413271003782693617377898044496829276475"
    "09466490179775872070963302864166928879109465555478519404026306574886715058206819"
    "08902000708383676273854845817711531764475730270069855571366959622842914819860834"
    "936475292719074168444365510704342711559699508093042880177904174497792";
constexpr auto overflow_digits = static_cast<std::int64_t>(overflow_limit.size());

// What may stand behind a backslash alone.
constexpr std::string_view short_escapes = "\"\\/bfnrt";

unsigned char byte_at(const char* p) noexcept { return static_cast<unsigned char>(*p); }

bool is_space(char c) noexcept { // one comparison decides mostly
    return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

// Inside a string literal: neither its end nor in need of a closer look.
bool is_plain(char c) noexcept { return is_ascii(c) && c >= ' ' && c != '"' && c != '\\'; }

inline const char* skip_space(const char* p, const char* end) noexcept {
    while (p != end && is_space(*p)) ++p;
    return p;
}

std::string_view without_byte_order_mark(std::string_view text) noexcept {
    return text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text;
}

// Strings

// What `skip_plain_text` does, inline.
#if defined(__SSE2__)

// A bit for each of 16 bytes that is not plain.
inline unsigned stops_at(const char* p) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i escapes = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                         _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    // Compared as signed, bytes beyond ASCII are no greater than control characters.
    const __m128i plain = _mm_andnot_si128(escapes, _mm_cmpgt_epi8(bytes, _mm_set1_epi8(' ' - 1)));
    return static_cast<unsigned>(_mm_movemask_epi8(plain)) ^ 0xFFFFU;
}

// The same where 16 bytes are not there, or all of them are plain.
const char* skip_much_plain(const char* p, const char* end) noexcept {
    if (end - p < 16) return skip_plain_text_portable(p, end);
    const char* const last = end - 16;
    for (p += 16; p <= last; p += 16)
        if (const auto mask = stops_at(p)) return p + std::countr_zero(mask);
    const auto mask = stops_at(last) >> (p - last); // of what is left
    return mask == 0 ? end : p + std::countr_zero(mask);
}

inline const char* skip_plain(const char* p, const char* end) noexcept {
    if (end - p >= 16)
        if (const auto mask = stops_at(p)) return p + std::countr_zero(mask);
    return skip_much_plain(p, end);
}

#else

inline const char* skip_plain(const char* p, const char* end) noexcept {
    return skip_plain_text_portable(p, end);
}

#endif

int hex_digit(char c) noexcept {
    if (is_digit(c)) return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The code unit of four hexadecimal digits, or -1.
int code_unit(const char* p, const char* end) noexcept {
    if (end - p < 4) return -1;
    int unit = 0;
    for (int i = 0; i < 4; ++i) {
        const int digit = hex_digit(p[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

bool is_high_surrogate(int unit) noexcept { return unit >= 0xD800 && unit <= 0xDBFF; }

bool is_low_surrogate(int unit) noexcept { return unit >= 0xDC00 && unit <= 0xDFFF; }

// `p` is behind the `u`.
const char* skip_unicode_escape(const char* p, const char* end) noexcept {
    const int unit = code_unit(p, end);
    if (unit < 0 || is_low_surrogate(unit)) return nullptr;
    p += 4;
    if (!is_high_surrogate(unit)) return p;
    const bool paired = end - p >= 6 && p[0] == '\\' && p[1] == 'u';
    return paired && is_low_surrogate(code_unit(p + 2, end)) ? p + 6 : nullptr;
}

// `p` is behind the backslash.
const char* skip_escape(const char* p, const char* end) noexcept {
    if (p == end) return nullptr;
    if (*p == 'u') return skip_unicode_escape(p + 1, end);
    return short_escapes.find(*p) != std::string_view::npos ? p + 1 : nullptr;
}

int utf8_size(unsigned char lead) noexcept {
    if (lead < 0xC2 || lead > 0xF4) return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// One character beyond ASCII, as RFC 3629 allows it: shortest form, no surrogates.
const char* skip_multibyte(const char* p, const char* end) noexcept {
    const unsigned char lead = byte_at(p);
    const int size = utf8_size(lead);
    if (size == 0 || end - p < size) return nullptr;
    const unsigned char lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte_at(p + 1) < lowest || byte_at(p + 1) > highest) return nullptr;
    for (int i = 2; i < size; ++i) {
        if ((byte_at(p + i) & 0xC0U) != 0x80U) return nullptr;
    }
    return p + size;
}

// One character at least, so that a byte that begins none is an error.
const char* skip_multibyte_run(const char* p, const char* end) noexcept {
    do p = skip_multibyte(p, end);
    while (p != nullptr && p != end && !is_ascii(*p));
    return p;
}

// `p` is where plain text ends, the result behind the closing quote.
const char* skip_rest_of_string(const char* p, const char* end) noexcept {
    while (p != end) {
        if (*p == '"') return p + 1;
        p = *p == '\\' ? skip_escape(p + 1, end) : skip_multibyte_run(p, end);
        if (p == nullptr) return nullptr;
        p = skip_plain(p, end);
    }
    return nullptr;
}

// `p` is behind the opening quote, the result behind the closing one. Most are plain text.
inline const char* skip_string(const char* p, const char* end) noexcept {
    p = skip_plain(p, end);
    return p != end && *p == '"' ? p + 1 : skip_rest_of_string(p, end);
}

// A string of plain text only: the place of its closing quote.
inline const char* find_plain_end(const char* p, const char* end) noexcept {
    if (p == end || *p != '"') return nullptr;
    p = skip_plain(p + 1, end);
    return p != end && *p == '"' ? p : nullptr;
}

// Numbers

inline const char* skip_digits(const char* p, const char* end) noexcept {
    while (p != end && is_digit(*p)) ++p;
    return p;
}

const char* skip_some_digits(const char* p, const char* end) noexcept {
    const char* const behind = skip_digits(p, end);
    return behind == p ? nullptr : behind;
}

// The value of `text`, digits after an optional sign; where it is huge, another huge one.
std::int64_t exponent_value(std::string_view text) noexcept {
    constexpr std::int64_t huge = std::int64_t{1} << 56;
    const bool negative = text.starts_with('-');
    std::int64_t value = 0;
    for (const char c : text.substr(text.find_first_of("0123456789")))
        value = std::min(value * 10 + (c - '0'), huge);
    return negative ? -value : value;
}

// Are the mantissa's digits from its first significant one on, as those of an integer of as many
// digits as the limit, the limit or more?
bool reaches_overflow_limit(std::string_view digits) noexcept {
    std::size_t next = 0;
    for (const char limit : overflow_limit) {
        if (next < digits.size() && digits[next] == '.') ++next;
        const char digit = next < digits.size() ? digits[next++] : '0';
        if (digit != limit) return digit > limit;
    }
    return true;
}

// Is this number too large for a double? Decided on its digits: exact, and free of locales.
bool overflows(std::string_view number) noexcept {
    const auto e = std::min(number.find_first_of("eE"), number.size());
    const auto mantissa = number.substr(0, e);
    const auto first = mantissa.find_first_of("123456789");
    if (first == std::string_view::npos) return false;
    const auto point = std::min(mantissa.find('.'), mantissa.size());
    const auto places = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
    const auto shift = e < number.size() ? exponent_value(number.substr(e + 1)) : 0;
    const auto digits = places + (places < 0 ? 1 : 0) + shift;
    if (digits != overflow_digits) return digits > overflow_digits;
    return reaches_overflow_limit(mantissa.substr(first));
}

// `p` is behind the `e`.
const char* skip_exponent(const char* p, const char* end) noexcept {
    if (p != end && (*p == '+' || *p == '-')) ++p;
    return skip_some_digits(p, end);
}

const char* skip_any_number(const char* const begin, const char* end) noexcept {
    const char* p = *begin == '-' ? begin + 1 : begin;
    const char* const integer = p;
    p = p != end && *p == '0' ? p + 1 : skip_some_digits(p, end);
    if (p == nullptr) return nullptr;
    bool doubtful = p - integer >= overflow_digits;
    if (p != end && *p == '.' && (p = skip_some_digits(p + 1, end)) == nullptr) return nullptr;
    if (p != end && (*p == 'e' || *p == 'E')) {
        doubtful = true;
        if ((p = skip_exponent(p + 1, end)) == nullptr) return nullptr;
    }
    const auto size = static_cast<std::size_t>(p - begin);
    return doubtful && overflows({begin, size}) ? nullptr : p;
}

// Most are short integers, and in no doubt.
inline const char* skip_number(const char* const begin, const char* end) noexcept {
    const char* const p = skip_digits(begin, end);
    const auto size = p - begin;
    const bool canonical = size == 1 || (size > 1 && size < 16 && *begin != '0');
    const bool whole = p == end || (*p != '.' && (*p | 0x20) != 'e');
    return canonical && whole ? p : skip_any_number(begin, end);
}

// An unsigned integer below 2^53: digits without leading zeros. What follows them is not looked at.
inline const char* skip_small_unsigned(const char* const begin, const char* end) noexcept {
    constexpr std::string_view limit = "9007199254740992"; // 2^53
    const char* const p = skip_digits(begin, end);
    const auto size = static_cast<std::size_t>(p - begin);
    if (size == 0 || (size > 1 && *begin == '0')) return nullptr;
    if (size < limit.size()) return p;
    return size == limit.size() && std::string_view(begin, size) < limit ? p : nullptr;
}

} // namespace
} // namespace json_grammar

const char* skip_plain_text(const char* p, const char* end) noexcept {
    return json_grammar::skip_plain(p, end);
}

const char* skip_plain_text_portable(const char* p, const char* end) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t tops = ones << 7;
    const auto zeros = [](std::uint64_t bytes) { return (bytes - ones) & ~bytes; };
    for (; end - p >= 8; p += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, p, sizeof bytes);
        // The top bit of each byte that ends the text; one above the lowest such byte may be wrong.
        const std::uint64_t stops = (zeros(bytes ^ (ones * '"')) | zeros(bytes ^ (ones * '\\')) |
                                     ((bytes - ones * ' ') & ~bytes) | bytes) &
                                    tops;
        if (stops == 0) continue;
        if constexpr (std::endian::native == std::endian::little)
            return p + std::countr_zero(stops) / 8;
        break;
    }
    return std::find_if_not(p, end, json_grammar::is_plain);
}

} // namespace chain::detail
