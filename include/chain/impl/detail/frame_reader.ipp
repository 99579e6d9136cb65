// Definitions of <chain/detail/frame_reader.hpp>.
#pragma once

#include <chain/detail/frame_reader.hpp>

#include <string>

namespace chain::detail {

bool FrameReader::read_name(std::string_view& name, std::size_t slot) {
    if (const auto plain = scanner_.plain_string()) {
        name = *plain;
        return true;
    }
    if (scanner_.peek() != '"') return false;
    const auto value = scanner_.value();
    if (!value) return false;
    name = json_string_value(value->text, out_.storage[slot]);
    return true;
}

bool FrameReader::read_value(std::string_view& text, std::size_t slot) {
    bool compact = true;
    text = scanner_.value_text(compact);
    if (!compact) text = out_.storage[slot] = compact_json(text);
    return !text.empty();
}

bool FrameReader::read_token(std::string_view& token, std::size_t slot) {
    if (!read_value(token, slot)) return false;
    if (token == "null") token = {};
    if (token.starts_with('"') && token.find('\\') != std::string_view::npos) {
        std::string text;
        const auto value = json_string_value(token, text);
        std::string written;
        append_json_string(written, value);
        token = out_.storage[slot] = std::move(written);
    }
    const std::size_t quotes = token.starts_with('"') ? 2 : 0;
    return token.size() <= max_reference + quotes;
}

bool FrameReader::read_rest() {
    while (scanner_.consume(','))
        if (!scanner_.value()) return false;
    return scanner_.consume(']') && scanner_.at_end();
}

error_code why_not_a_frame(std::string_view text, unsigned max_depth) noexcept {
    JsonScanner scanner(text, max_depth);
    const bool json = scanner.value() && scanner.at_end();
    const bool deep = scanner.failure() == JsonScanner::Failure::too_deep;
    return make_error_code(json || deep ? Errc::malformed_frame : Errc::not_json);
}

} // namespace chain::detail
