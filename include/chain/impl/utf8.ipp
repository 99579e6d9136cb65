// Definitions of the UTF-8 validation.
#include <chain/detail/utf8.hpp>

#include <cstddef>
#include <cstring>

namespace chain::detail {

const char* Utf8Validator::skip_ascii(const char* at, const char* end) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080U;
    for (std::uint64_t words[4]; static_cast<std::size_t>(end - at) >= sizeof words;
         at += sizeof words) {
        std::memcpy(words, at, sizeof words);
        if (((words[0] | words[1] | words[2] | words[3]) & high_bits) != 0) break;
    }
    for (std::uint64_t word = 0; static_cast<std::size_t>(end - at) >= sizeof word;
         at += sizeof word) {
        std::memcpy(&word, at, sizeof word);
        if ((word & high_bits) != 0) break;
    }
    while (at != end && static_cast<std::uint8_t>(*at) < 0x80) ++at;
    return at;
}

bool Utf8Validator::feed(std::string_view piece) noexcept {
    // A local copy stays in registers: through `this` each step would go to memory and back.
    Utf8Validator state = *this;
    const char* at = piece.data();
    const char* const end = at + piece.size();
    while (at != end && !state.broken_) {
        if (state.left_ > 0) {
            state.follow(static_cast<std::uint8_t>(*at++));
        } else if ((at = skip_ascii(at, end)) != end) {
            state.start(static_cast<std::uint8_t>(*at++));
        }
    }
    *this = state;
    return !broken_;
}

// The bounds of the second byte are those of RFC 3629, section 4.
void Utf8Validator::start(std::uint8_t byte) noexcept {
    if (byte >= 0xC2 && byte <= 0xDF) return expect(1, 0x80, 0xBF);
    if (byte == 0xE0) return expect(2, 0xA0, 0xBF);
    if (byte == 0xED) return expect(2, 0x80, 0x9F);
    if (byte >= 0xE1 && byte <= 0xEF) return expect(2, 0x80, 0xBF);
    if (byte == 0xF0) return expect(3, 0x90, 0xBF);
    if (byte >= 0xF1 && byte <= 0xF3) return expect(3, 0x80, 0xBF);
    if (byte == 0xF4) return expect(3, 0x80, 0x8F);
    broken_ = true;
}

void Utf8Validator::expect(std::uint8_t left, std::uint8_t low, std::uint8_t high) noexcept {
    left_ = left;
    low_ = low;
    high_ = high;
}

void Utf8Validator::follow(std::uint8_t byte) noexcept {
    if (byte < low_ || byte > high_) {
        broken_ = true;
        return;
    }
    --left_;
    low_ = 0x80;
    high_ = 0xBF;
}

bool valid_utf8(std::string_view text) noexcept {
    Utf8Validator validator;
    return validator.feed(text) && validator.complete();
}

} // namespace chain::detail
