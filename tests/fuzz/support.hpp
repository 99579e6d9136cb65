// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz {

/// Ends the process, for libFuzzer to report the input, unless the library keeps its promise.
inline void require(bool holds, const char* promise) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

/// The input as a block of exactly its size: AddressSanitizer sees any access beyond it.
inline std::string text_of(const std::uint8_t* data, std::size_t size) {
    std::string text;
    text.assign(reinterpret_cast<const char*>(data), size);
    text.shrink_to_fit();
    return text;
}

/// Cuts the part before `separator` (and that) off the front of an input of several parts.
inline std::string_view take_part(std::string_view& input, char separator = '\n') {
    const auto end = input.find(separator);
    const auto part = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    return part;
}

/// Cuts the first byte off, which chooses among `choices`; 0 when there is none.
inline std::size_t take_choice(std::string_view& input, std::size_t choices) {
    if (input.empty()) return 0;
    const auto byte = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    return byte % choices;
}

} // namespace fuzz
