// Tests of the UTF-8 validation against an independent, naive decoder.
#include "../support/catch.hpp"

#include <chain/detail/utf8.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using chain::detail::Utf8Validator;
using chain::detail::valid_utf8;
using namespace std::string_literals;
using namespace std::string_view_literals;

std::string encode(std::uint32_t code_point) {
    const auto tail = [&](unsigned shift) {
        return static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
    };
    if (code_point < 0x80) return {static_cast<char>(code_point)};
    if (code_point < 0x800) return {static_cast<char>(0xC0U | (code_point >> 6U)), tail(0)};
    if (code_point < 0x10000) {
        return {static_cast<char>(0xE0U | (code_point >> 12U)), tail(6), tail(0)};
    }
    return {static_cast<char>(0xF0U | (code_point >> 18U)), tail(12), tail(6), tail(0)};
}

bool is_scalar(std::uint32_t code_point) {
    return code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF);
}

// Decodes each sequence and asks whether encoding its code point gives the same bytes back.
bool reference_valid(std::string_view text) {
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text[0]);
        std::size_t size = 1;
        if (lead >= 0xC0) size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (lead >= 0xF8 || size > text.size()) return false;
        std::uint32_t code_point = size == 1 ? lead : lead & (0x7FU >> size);
        for (std::size_t i = 1; i < size; ++i) {
            code_point = (code_point << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
        }
        if (!is_scalar(code_point) || encode(code_point) != text.substr(0, size)) return false;
        text.remove_prefix(size);
    }
    return true;
}

bool valid_in_pieces(std::string_view text, std::size_t split) {
    Utf8Validator validator;
    const bool fed = validator.feed(text.substr(0, split)) && validator.feed(text.substr(split));
    return fed && validator.complete();
}

// How many bytes of `text` are taken, one at a time, before it is refused.
std::size_t accepted_bytes(std::string_view text) {
    Utf8Validator validator;
    std::size_t count = 0;
    while (count < text.size() && validator.feed(text.substr(count, 1))) ++count;
    return count;
}

// Bytes at which the rules of UTF-8 change, with their neighbours.
constexpr std::array<unsigned char, 27> boundary_bytes = {
    0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
    0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF};

TEST_CASE("exactly the Unicode scalar values are valid UTF-8") {
    std::size_t wrong = 0;
    for (std::uint32_t code_point = 0; code_point <= 0x1FFFFF; ++code_point) {
        if (valid_utf8(encode(code_point)) != is_scalar(code_point)) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("all one and two byte strings are judged as by the naive decoder") {
    std::size_t wrong = 0;
    for (unsigned first = 0; first < 256; ++first) {
        const std::string one{static_cast<char>(first)};
        if (valid_utf8(one) != reference_valid(one)) ++wrong;
        for (unsigned second = 0; second < 256; ++second) {
            const auto two = one + static_cast<char>(second);
            if (valid_utf8(two) != reference_valid(two)) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("strings of four boundary bytes are judged as by the naive decoder") {
    std::size_t wrong = 0;
    std::string text(4, '\0');
    for (const auto a : boundary_bytes) {
        for (const auto b : boundary_bytes) {
            for (const auto c : boundary_bytes) {
                for (const auto d : boundary_bytes) {
                    text = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c),
                            static_cast<char>(d)};
                    const bool expected = reference_valid(text);
                    if (valid_utf8(text) != expected) ++wrong;
                    if (valid_in_pieces(text, 1) != expected) ++wrong;
                    if (valid_in_pieces(text, 2) != expected) ++wrong;
                    if (valid_in_pieces(text, 3) != expected) ++wrong;
                }
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a text may be split at any byte") {
    const auto text =
        "plain ascii text, \u00e9\u00e8 \u20ac \U0001F600 and \u6f22\u5b57 at the end"s;
    for (std::size_t split = 0; split <= text.size(); ++split) {
        CHECK(valid_in_pieces(text, split));
    }
}

TEST_CASE("text is refused at the first byte that makes it invalid") {
    CHECK(accepted_bytes("ab\x80"sv) == 2);
    CHECK(accepted_bytes("a\xC0\x80"sv) == 1);
    CHECK(accepted_bytes("\xC1\xBF"sv) == 0);
    CHECK(accepted_bytes("\xE0\x9F\xBF"sv) == 1);
    CHECK(accepted_bytes("\xED\xA0\x80"sv) == 1);
    CHECK(accepted_bytes("\xF0\x8F\xBF\xBF"sv) == 1);
    CHECK(accepted_bytes("\xF4\x90\x80\x80"sv) == 1);
    CHECK(accepted_bytes("\xF5\x80"sv) == 0);
    CHECK(accepted_bytes("\xE2\x82z"sv) == 2);
    CHECK(accepted_bytes("\xF0\x9F\x98\x80\xFF"sv) == 4);
}

TEST_CASE("a bad byte is found at every place of a long ASCII text") {
    for (std::size_t place = 0; place < 40; ++place) {
        std::string text(40, 'x');
        CHECK(valid_utf8(text));
        text[place] = '\xFF';
        CHECK_FALSE(valid_utf8(text));
    }
}

TEST_CASE("a text that ends inside a code point is incomplete, not wrong") {
    Utf8Validator validator;
    CHECK(validator.complete());
    CHECK(validator.feed("\xF0\x9F"));
    CHECK_FALSE(validator.complete());
    CHECK(validator.feed(""));
    CHECK(validator.feed("\x98\x80"));
    CHECK(validator.complete());
    CHECK_FALSE(valid_utf8("\xF0\x9F\x98"));
    CHECK(valid_utf8(""));
    CHECK(valid_utf8("\0"sv));
}

TEST_CASE("a validator stays at its refusal until it is reset") {
    Utf8Validator validator;
    CHECK_FALSE(validator.feed("\xFF"));
    CHECK_FALSE(validator.feed("fine"));
    CHECK_FALSE(validator.feed(""));
    CHECK_FALSE(validator.complete());
    validator.reset();
    CHECK(validator.complete());
    CHECK(validator.feed("fine"));
}

} // namespace
