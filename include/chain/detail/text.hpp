// Small helpers for texts: names, header fields and the like.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chain::detail {

/// a == b, without the calls that the library's operator makes of it.
inline bool same_text(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

/// The value of a hexadecimal digit, or -1.
int hex_digit(char c) noexcept;
/// With `%XX` decoded, and `+` to a space where that is wanted; a broken escape stays as it is.
std::string percent_decode(std::string_view text, bool plus_is_space);
/// Cuts the part before `separator` (and that) off the front of `text`.
std::string_view take_until(std::string_view& text, char separator) noexcept;
/// Are they equal, ASCII letters of either case taken as the same?
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// From decimal digits, and nothing else.
std::optional<std::uint32_t> number_from(std::string_view text) noexcept;
/// The texts with ", " between them.
std::string join(std::span<const std::string> texts);
/// Can this be a header field: a token for its name, and no control character but tabs in its
/// value?
bool is_header_field(std::string_view name, std::string_view value) noexcept;
/// Without spaces and tabs at both ends.
std::string_view trim_spaces(std::string_view text) noexcept;

} // namespace chain::detail
