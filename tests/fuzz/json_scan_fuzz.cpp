// Fuzzes the JSON scanner: it must judge, compact, read and write text as nlohmann's parser does.

// This target is one translation unit, so that the scanner is instrumented however the library was
// built.
#include <chain/impl/json_scan.ipp>
#include <chain/impl/utf8.ipp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

namespace {

using namespace chain::detail;
using nlohmann::json;
using Failure = JsonScanner::Failure;

constexpr unsigned deep = JsonScanner::depth_capacity;

void require(bool condition) {
    if (!condition) std::abort();
}

bool within(std::string_view part, std::string_view whole) {
    const std::less_equal<> ordered;
    return ordered(whole.data(), part.data()) &&
           ordered(part.data() + part.size(), whole.data() + whole.size());
}

// nlohmann takes a NUL byte after the value as the end of the text, which chain does not.
bool reference_accepts(std::string_view text) {
    return json::accept(text) && text.find('\0') == std::string_view::npos;
}

void check_value(std::string_view text) {
    const auto value = json::parse(text);
    const auto compact = compact_json(text);
    require(json::parse(compact) == value);
    JsonScanner again{compact};
    const auto slice = again.value();
    require(slice && slice->compact && slice->text == compact && again.at_end());
    if (!value.is_string()) return;
    std::string storage;
    require(json_string_value(compact, storage) == value.get_ref<const std::string&>());
}

// The text as one value, at both depths.
void check_verdict(std::string_view text) {
    JsonScanner scanner{text, deep};
    const bool whole = scanner.value() && scanner.at_end();
    if (scanner.failure() == Failure::too_deep) return;
    if (whole) require(valid_json(text, deep));
    require(valid_json(text, deep) == reference_accepts(text));
    if (valid_json(text)) check_value(text);
}

// The text as a sequence of values, as the envelope is read.
void check_sequence(std::string_view text) {
    JsonScanner scanner{text};
    scanner.consume('[');
    do {
        const auto before = scanner.position();
        if (const auto plain = scanner.plain_string()) {
            require(within(*plain, text) && scanner.position() > before);
            require(json::parse('"' + std::string(*plain) + '"') == json(*plain));
            continue;
        }
        const auto slice = scanner.value();
        require(scanner.position() <= text.size() && scanner.position() >= before);
        if (!slice) {
            require(scanner.failure() != Failure::none);
            return;
        }
        require(within(slice->text, text) && !slice->text.empty());
        require(valid_json(slice->text) && reference_accepts(slice->text));
        require(slice->compact == (compact_json(slice->text) == slice->text));
    } while (scanner.consume(','));
}

void check_writing(std::string_view text) {
    std::string expected;
    try {
        expected = json(text).dump();
    } catch (const json::type_error&) {
        return; // not UTF-8
    }
    std::string literal;
    append_json_string(literal, text);
    std::string storage;
    require(literal == expected && valid_json(literal));
    require(json_string_value(literal, storage) == text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    check_verdict(text);
    check_sequence(text);
    check_writing(text);
    const auto* const end = text.data() + size;
    require(skip_plain_text(text.data(), end) == skip_plain_text_portable(text.data(), end));
    return 0;
}
