// Incremental and whole-text UTF-8 validation.
#pragma once

#include <cstdint>
#include <string_view>

namespace chain::detail {

/// Incremental UTF-8 check (RFC 3629): feed pieces in order; a code point may be split between
/// pieces.
class Utf8Validator {
  public:
    /// Checks the next bytes of the text.
    /// @return false as soon as the text can no longer become valid (overlong forms, surrogates,
    /// code points above U+10FFFF, stray or missing continuation bytes), and from then on until
    /// reset().
    bool feed(std::string_view piece) noexcept;

    /// True when what was fed is valid and does not end inside a code point.
    bool complete() const noexcept { return left_ == 0 && !broken_; }

    /// Starts over with an empty text.
    void reset() noexcept { *this = Utf8Validator{}; }

  private:
    static const char* skip_ascii(const char* at, const char* end) noexcept;
    void start(std::uint8_t byte) noexcept;
    void expect(std::uint8_t left, std::uint8_t low, std::uint8_t high) noexcept;
    void follow(std::uint8_t byte) noexcept;

    std::uint8_t left_ = 0; // continuation bytes that the current code point still needs
    std::uint8_t low_ = 0;  // bounds of the next continuation byte, both inclusive
    std::uint8_t high_ = 0;
    bool broken_ = false;
};

/// True when `text` is valid UTF-8 from its first byte to its last; ASCII is passed over 8 bytes at
/// a time.
bool valid_utf8(std::string_view text) noexcept;

} // namespace chain::detail
