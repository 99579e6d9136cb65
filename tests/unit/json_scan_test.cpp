// The JSON scanner against its own rules, the public test suite and nlohmann's parser.
#include "../data/json_suite.hpp"
#include "../support/catch.hpp"

#include <chain/detail/json_scan.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace chain::detail;
using namespace std::string_literals;
using namespace std::string_view_literals;
using nlohmann::json;
using Failure = JsonScanner::Failure;

constexpr unsigned deep = JsonScanner::depth_capacity;

// nlohmann's verdict, but for one thing: it takes a NUL byte after the value as the end of the
// text. An accepted text has a NUL byte nowhere else, for inside a value none is allowed.
bool reference_accepts(std::string_view text) {
    return json::accept(text) && text.find('\0') == std::string_view::npos;
}

json reference_value(std::string_view text) { return json::parse(text); }

// Everything that must hold for one text; the text itself is shown when it does not.
void require_agreement(std::string_view text) {
    CAPTURE(json(std::string(text)).dump(-1, ' ', true, json::error_handler_t::replace));
    const bool valid = valid_json(text, deep);
    REQUIRE(valid == reference_accepts(text));
    if (!valid) return;

    const auto compact = compact_json(text);
    REQUIRE(reference_value(compact) == reference_value(text));
    JsonScanner again{compact, deep};
    const auto slice = again.value();
    REQUIRE(slice);
    REQUIRE(slice->compact);
    REQUIRE(slice->text == compact);

    JsonScanner scanner{text, deep};
    if (const auto original = scanner.value())
        REQUIRE(original->compact == (original->text == compact));
}

JsonSlice only_value(std::string_view text) {
    JsonScanner scanner{text};
    const auto slice = scanner.value();
    REQUIRE(slice);
    REQUIRE(scanner.at_end());
    return *slice;
}

std::string nested(unsigned depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string written(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

} // namespace

TEST_CASE("a frame is read element by element without copying") {
    const auto text = R"([0,3,17,"room:lobby","shout",{"text":"hello","at":1.5e9}])"sv;
    JsonScanner scanner{text};
    REQUIRE(scanner.consume('['));
    REQUIRE(scanner.value()->text == "0");
    REQUIRE(scanner.consume(','));
    REQUIRE(scanner.value()->text == "3");
    REQUIRE(scanner.consume(','));
    REQUIRE(scanner.value()->text == "17");
    REQUIRE(scanner.consume(','));
    const auto topic = scanner.value();
    REQUIRE(topic);
    REQUIRE(topic->text == R"("room:lobby")");
    REQUIRE(topic->text.data() == text.data() + 8);
    REQUIRE(scanner.consume(','));
    REQUIRE(scanner.value()->text == R"("shout")");
    REQUIRE(scanner.consume(','));
    REQUIRE(scanner.peek() == '{');
    const auto payload = scanner.value();
    REQUIRE(payload);
    REQUIRE(payload->text == R"({"text":"hello","at":1.5e9})");
    REQUIRE(payload->kind == '{');
    REQUIRE(payload->compact);
    REQUIRE_FALSE(scanner.at_end());
    REQUIRE(scanner.consume(']'));
    REQUIRE(scanner.at_end());
    REQUIRE(scanner.position() == text.size());
}

TEST_CASE("a slice knows the kind of its value") {
    REQUIRE(only_value("{}").kind == '{');
    REQUIRE(only_value("[]").kind == '[');
    REQUIRE(only_value(R"("x")").kind == '"');
    REQUIRE(only_value("true").kind == 't');
    REQUIRE(only_value("false").kind == 'f');
    REQUIRE(only_value("null").kind == 'n');
    for (const auto number : {"0", "7", "-1", "12.5", "1e9"})
        REQUIRE(only_value(number).kind == '0');
}

TEST_CASE("white space counts as inside a value only between its first and last character") {
    REQUIRE(only_value("  {\"a\":[1,2]}\r\n\t ").compact);
    REQUIRE(only_value("  {\"a\":[1,2]}\r\n\t ").text == "{\"a\":[1,2]}");
    REQUIRE(only_value(R"({"a b":" c\n"})").compact);
    REQUIRE(only_value(" \" \" ").compact);
    for (const auto text : {"[ ]", "{ }", "[1 ]", "[ 1]", "[1 ,2]", "[1,\t2]", "{\n\"a\":1}",
                            "{\"a\" :1}", "{\"a\":\r1}", "{\"a\":1 }", "{\"a\":1, \"b\":2}"}) {
        CAPTURE(text);
        REQUIRE_FALSE(only_value(text).compact);
        REQUIRE(only_value(text).text == text);
    }
}

TEST_CASE("only JSON's four white space characters are skipped") {
    JsonScanner scanner{" \t\r\n1"};
    REQUIRE(scanner.peek() == '1');
    for (const auto text : {"\v1", "\f1",
                            "\xC2\xA0"
                            "1"}) {
        REQUIRE_FALSE(JsonScanner{text}.value());
        REQUIRE_FALSE(valid_json(text));
    }
}

TEST_CASE("consume takes the awaited character and nothing else") {
    JsonScanner scanner{" , ]"};
    REQUIRE_FALSE(scanner.consume(']'));
    REQUIRE(scanner.consume(','));
    REQUIRE_FALSE(scanner.consume(','));
    REQUIRE(scanner.consume(']'));
    REQUIRE_FALSE(scanner.consume(']'));
    REQUIRE_FALSE(scanner.consume('\0'));
    REQUIRE(scanner.peek() == '\0');
    REQUIRE(scanner.at_end());
}

TEST_CASE("a failed scan says why, consumes nothing of the value and stays failed") {
    JsonScanner scanner{"1, [2,}"};
    REQUIRE(scanner.value());
    REQUIRE(scanner.failure() == Failure::none);
    REQUIRE(scanner.consume(','));
    REQUIRE_FALSE(scanner.value());
    REQUIRE(scanner.failure() == Failure::not_json);
    REQUIRE(scanner.position() == 3);
    REQUIRE(scanner.consume('['));
    REQUIRE_FALSE(scanner.value());

    JsonScanner empty{""};
    REQUIRE_FALSE(empty.value());
    REQUIRE(empty.failure() == Failure::not_json);
    REQUIRE_FALSE(JsonScanner{std::string_view{}}.value());
}

TEST_CASE("nesting is limited to the depth that was asked for") {
    REQUIRE(valid_json(nested(64)));
    REQUIRE_FALSE(valid_json(nested(65)));
    REQUIRE(valid_json("7", 0));
    REQUIRE_FALSE(valid_json("[]", 0));
    REQUIRE(valid_json("[[],[],{}]", 2));
    REQUIRE_FALSE(valid_json(R"({"a":[{}]})", 2));
    REQUIRE(valid_json(nested(deep), deep + 1));
    REQUIRE_FALSE(valid_json(nested(deep + 1), deep + 1));
}

TEST_CASE("too deep is told apart from broken") {
    const auto failure = [](const std::string& text) {
        JsonScanner scanner{text};
        REQUIRE_FALSE(scanner.value());
        return scanner.failure();
    };
    REQUIRE(failure(nested(65)) == Failure::too_deep);
    REQUIRE(failure(std::string(100000, '[')) == Failure::too_deep);
    REQUIRE(failure(std::string(64, '[')) == Failure::not_json);
}

TEST_CASE("nothing behind the end of the text is looked at") {
    for (const auto text : {R"([true,false,null,-1.5e+10,"\ud83d\ude00\u00e9\n",{"key":[{}]}])"sv,
                            "true"sv, "null"sv, "false"sv, R"("\ud83d\ude00")"sv,
                            "\"\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\""sv, "\xEF\xBB\xBF[]"sv}) {
        REQUIRE(valid_json(text));
        for (std::size_t size = 0; size < text.size(); ++size) {
            REQUIRE_FALSE(valid_json(text.substr(0, size)));
            const std::vector<char> exact(text.begin(), text.begin() + static_cast<int>(size));
            REQUIRE_FALSE(valid_json({exact.data(), size}));
        }
    }
}

TEST_CASE("containers of both kinds close in the order in which they were opened") {
    REQUIRE(valid_json(R"([{"a":[{"b":{}},[]]},{}])"));
    for (const auto text : {"[}", "{]", "[[}]", R"({"a":[}])", R"({"a":{]})", "[{]}", "]", "}"})
        REQUIRE_FALSE(valid_json(text));
}

TEST_CASE("the scanner takes no byte order mark, a whole text may begin with one") {
    const auto text = "\xEF\xBB\xBF[1, 2]"sv;
    REQUIRE(valid_json(text));
    REQUIRE(compact_json(text) == "[1,2]");
    REQUIRE_FALSE(JsonScanner{text}.value());
    for (const auto broken : {"\xEF\xBB\xBF", "\xEF\xBB", "\xEF\xBB[]", " \xEF\xBB\xBF[]",
                              "\xEF\xBB\xBF\xEF\xBB\xBF[]", "[\xEF\xBB\xBF]", "[]\xEF\xBB\xBF"}) {
        REQUIRE_FALSE(valid_json(broken));
        REQUIRE_FALSE(json::accept(broken));
    }
}

TEST_CASE("a NUL byte is never white space nor the end of a text") {
    REQUIRE(json::accept("1\0x"sv));
    REQUIRE_FALSE(valid_json("1\0x"sv));
    for (const auto text :
         {"1\0"sv, "\0"sv, "\0001"sv, "[\0]"sv, "[1\0"sv, "\"\0\""sv, "[1]\0\n"sv})
        REQUIRE_FALSE(valid_json(text));
}

TEST_CASE("the public test suite is judged as its names say and as nlohmann judges it") {
    REQUIRE(std::size(chain::test::json_suite) > 300);
    for (const auto& suite_case : chain::test::json_suite) {
        CAPTURE(suite_case.name);
        const auto text = suite_case.text();
        const bool valid = valid_json(text, deep);
        REQUIRE(valid == reference_accepts(text));
        if (suite_case.name.starts_with("y_")) REQUIRE(valid);
        if (suite_case.name.starts_with("n_")) REQUIRE_FALSE(valid);
        require_agreement(text);
    }
}

TEST_CASE("every pair of bytes in a string is judged as nlohmann judges it") {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string text{'"', static_cast<char>(first), static_cast<char>(second), '"'};
            if (valid_json(text) != reference_accepts(text)) FAIL(first << " " << second);
        }
    }
}

TEST_CASE("every lead byte of UTF-8 is judged as nlohmann judges it, with all edges of its tail") {
    const std::vector<unsigned> edges{0x00, 0x22, 0x7F, 0x80, 0x8F, 0x90,
                                      0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    for (unsigned lead = 0x80; lead < 256; ++lead) {
        for (const auto a : edges) {
            for (const auto b : edges) {
                for (const auto c : edges) {
                    const std::string text{'"',
                                           static_cast<char>(lead),
                                           static_cast<char>(a),
                                           static_cast<char>(b),
                                           static_cast<char>(c),
                                           '"'};
                    if (valid_json(text) != reference_accepts(text))
                        FAIL(lead << " " << a << " " << b << " " << c);
                }
                const std::string cut{'"', static_cast<char>(lead), static_cast<char>(a),
                                      static_cast<char>(b)};
                for (const auto& text : {cut + '"', cut}) {
                    if (valid_json(text) != reference_accepts(text))
                        FAIL(lead << " " << a << " " << b);
                }
            }
        }
    }
}

TEST_CASE("every escaped code unit is judged and read as nlohmann does") {
    std::string storage;
    for (unsigned unit = 0; unit < 0x10000; ++unit) {
        std::string literal = "\"\\u0000\"";
        for (unsigned i = 0; i < 4; ++i)
            literal[6 - i] = "0123456789abcDEF"[(unit >> (4 * i)) & 0xF];
        const bool valid = valid_json(literal);
        if (valid != reference_accepts(literal)) FAIL(literal);
        if (valid && json_string_value(literal, storage) != reference_value(literal)) FAIL(literal);
    }
}

TEST_CASE("surrogates are judged by their pairs") {
    for (const auto first : {"d7ff", "d800", "DBFF", "dc00", "dfff", "e000"}) {
        for (const auto second : {"d7ff", "d800", "dbff", "DC00", "dfff", "e000", "dc0", "dc0g"}) {
            require_agreement("\"\\u"s + first + "\\u" + second + '"');
            require_agreement("\"\\u"s + first + "\\u" + second);
            require_agreement("\"\\u"s + first + "u" + second + '"');
            require_agreement("\"\\u"s + first + "\\n" + second + '"');
        }
    }
}

TEST_CASE("a number is refused exactly when it is too large for a double") {
    const auto limit = "17976931348623158079372897140530341507993413271003782693617377898044496829"
                       "27647509466490179775872070963302864166928879109465555478519404026306574886"
                       "71505820681908902000708383676273854845817711531764475730270069855571366959"
                       "622842914819860834936475292719074168444365510704342711559699508093042880"
                       "177904174497792"s;
    REQUIRE(limit.size() == 309);
    const auto below = limit.substr(0, 308) + '1';
    for (const auto& sign : {""s, "-"s}) {
        REQUIRE_FALSE(valid_json(sign + limit));
        REQUIRE_FALSE(valid_json(sign + limit + ".0"));
        REQUIRE(valid_json(sign + below));
        REQUIRE(valid_json(sign + below + ".9999999999999999"));
        REQUIRE(valid_json(sign + std::string(308, '9')));
        REQUIRE_FALSE(valid_json(sign + std::string(309, '9')));
        REQUIRE_FALSE(valid_json(sign + "1e309"));
        REQUIRE(valid_json(sign + "1e308"));
    }
    for (const auto& text : {limit,
                             below,
                             limit + ".5",
                             below + ".5",
                             limit + "e0",
                             below + "e+0",
                             limit + "e-1",
                             below + "0e-1",
                             "0." + limit + "e309",
                             "0." + below + "e309",
                             "0.000" + limit + "e312",
                             "0." + std::string(500, '0') + "1e809",
                             "0." + std::string(500, '0') + "1e810",
                             "0." + std::string(500, '0') + "2e809",
                             "1" + std::string(500, '0') + "e-192",
                             "1" + std::string(500, '0') + "e-191",
                             "0e999999999999999999999"s,
                             "0.0e400"s,
                             "-0e400"s,
                             "1e-999999999999999999999"s,
                             "1e999999999999999999999"s,
                             "1e00000000000000000000308"s,
                             "1e00000000000000000000309"s,
                             "1.7976931348623157e308"s,
                             "1.7976931348623158e308"s,
                             "1.7976931348623159e308"s,
                             "17.976931348623158e307"s,
                             "-1.7976931348623159E+308"s,
                             "4.9e-324"s,
                             "1e-400"s,
                             "18446744073709551615"s,
                             "18446744073709551616"s,
                             "-9223372036854775808"s,
                             "-9223372036854775809"s})
        require_agreement(text);
}

TEST_CASE("numbers around the largest double are judged as nlohmann judges them") {
    std::mt19937 random{20240601};
    const auto below = [&random](std::size_t bound) { return random() % bound; };
    int refused = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string digits = "179769313486231580793728971405303415079934132710037826936173778";
        digits.resize(1 + below(digits.size()));
        if (below(2) == 0) digits[below(digits.size())] = static_cast<char>('0' + below(10));
        if (digits[0] == '0') digits[0] = '1';
        const auto point = 1 + below(digits.size());
        const auto exponent = 309 - static_cast<int>(point) + static_cast<int>(below(3)) - 1;
        auto text = digits.substr(0, point);
        if (point < digits.size()) text += '.' + digits.substr(point);
        text += 'e' + std::to_string(exponent);
        const bool valid = valid_json(text);
        if (valid != reference_accepts(text)) FAIL(text);
        if (!valid) ++refused;
    }
    REQUIRE(refused > 2000);
    REQUIRE(refused < 18000);
}

TEST_CASE("random damage to texts is judged as nlohmann judges it") {
    const std::vector<std::string> seeds{
        R"([0,3,17,"room:lobby","shout",{"text":"hello there, a message of some length","tags":["a"]}])",
        R"({"a":[1,-2.5e+10,0.125,true,false,null],"b":{"c":{},"d":[]},"":"\u00e9\ud83d\ude00\n\"\\\/"})",
        " [ 1 , { \"k\" : \"v\" } ,\t\"\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E\" ]\r\n",
        R"("a long string without any escape that is longer than two vector registers")",
        "-12345.678e-9",
        "[[[[[]]]],{\"x\":{\"y\":{\"z\":[{}]}}}]",
        "\xEF\xBB\xBF{\"k\": [1e308, 1E-308]}",
    };
    const auto alphabet = "[]{},:\"\\/ \t\n0123456789-+.eEtrufalsn\x01\x7F\x80\xBF\xC3\xE2\xED\xF0"
                          "\0"sv;
    std::mt19937 random{7};
    const auto below = [&random](std::size_t bound) { return random() % bound; };
    int accepted = 0;
    for (int i = 0; i < 50000; ++i) {
        auto text = seeds[below(seeds.size())];
        for (auto damages = below(4); damages > 0 && !text.empty(); --damages) {
            const auto at = below(text.size());
            const char c = alphabet[below(alphabet.size())];
            switch (below(5)) {
            case 0: text[at] = c; break;
            case 1: text.insert(at, 1, c); break;
            case 2: text.erase(at, 1 + below(3)); break;
            case 3: {
                const auto from = below(text.size());
                text.insert(at, text.substr(from, below(9)));
                break;
            }
            default: text.resize(at); break;
            }
        }
        const bool valid = valid_json(text, deep);
        if (valid) ++accepted;
        if (valid || valid != reference_accepts(text)) require_agreement(text);
    }
    REQUIRE(accepted > 10000);
    REQUIRE(accepted < 40000);
}

TEST_CASE("plain text ends at the same byte by vectors and by ordinary arithmetic") {
    std::mt19937 random{11};
    for (unsigned special = 0; special < 256; ++special) {
        for (const std::size_t size : {1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 50U}) {
            std::string text(size, 'a');
            for (auto& c : text) c = "az09 ~!#[]"[random() % 10];
            text[random() % size] = static_cast<char>(special);
            const auto* const begin = text.data();
            const auto* const end = begin + size;
            const auto* const expected = std::find_if(begin, end, [](char c) {
                const auto byte = static_cast<unsigned char>(c);
                return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
            });
            if (skip_plain_text(begin, end) != expected) FAIL(special << " " << size);
            if (skip_plain_text_portable(begin, end) != expected) FAIL(special << " " << size);
        }
    }
}

TEST_CASE("the first of several special bytes ends plain text") {
    std::mt19937 random{12};
    const auto alphabet = "aaaaaaaa~ \x7F!\"\\\x1F\x80\xFF\0"sv;
    for (int i = 0; i < 20000; ++i) {
        std::string text(random() % 40, 'a');
        for (auto& c : text) c = alphabet[random() % alphabet.size()];
        const auto* const end = text.data() + text.size();
        if (skip_plain_text(text.data(), end) != skip_plain_text_portable(text.data(), end))
            FAIL(json(text).dump(-1, ' ', true, json::error_handler_t::replace));
    }
}

TEST_CASE("compacting removes white space outside strings and nothing else") {
    REQUIRE(compact_json(" { \"a b\" : [ 1 , \"\\\" x\" , {\n} ] }\r\n") ==
            R"({"a b":[1,"\" x",{}]})");
    REQUIRE(compact_json("\t-1.50E+2 ") == "-1.50E+2");
    REQUIRE(compact_json("\" \\\\\" ") == "\" \\\\\"");
    REQUIRE(compact_json("[\"\xE2\x80\xA8 \"]") == "[\"\xE2\x80\xA8 \"]");
    REQUIRE(compact_json("[]") == "[]");
    REQUIRE(compact_json("") == "");
}

TEST_CASE("compact text is what nlohmann writes where both have one form") {
    const auto text = R"({"a":["x y",true,false,null,{"b":{},"c":[]}],"d":"\"\\\n"})";
    REQUIRE(compact_json(reference_value(text).dump(4)) == text);
    REQUIRE(compact_json(text) == reference_value(text).dump());
}

TEST_CASE("a string without escapes is read in place") {
    const auto literal = R"("room:lobby")"sv;
    std::string storage = "untouched";
    const auto value = json_string_value(literal, storage);
    REQUIRE(value == "room:lobby");
    REQUIRE(value.data() == literal.data() + 1);
    REQUIRE(storage == "untouched");
    REQUIRE(json_string_value(R"("")", storage) == "");
}

TEST_CASE("a string with escapes is read as nlohmann reads it") {
    std::string storage = "left over";
    for (const auto literal :
         {R"("\"\\\/\b\f\n\r\t")", R"("a\u0000b")", R"("\u00e9\u20AC\ud834\udd1e")", R"("\\u0041")",
          R"("\u007f\u0080\u07ff\u0800\uffff\ud800\udc00\udbff\udfff")", R"("end\\")",
          "\"\xC3\xA9\\n\xF0\x9D\x84\x9E\\t\""}) {
        CAPTURE(literal);
        const auto value = json_string_value(literal, storage);
        REQUIRE(value == reference_value(literal).get<std::string>());
        REQUIRE(value.data() == storage.data());
    }
}

TEST_CASE("writing a string escapes only what JSON demands") {
    REQUIRE(written("") == R"("")");
    REQUIRE(written("a/b \"c\" \\ \b\f\n\r\t") == R"("a/b \"c\" \\ \b\f\n\r\t")");
    REQUIRE(written("\0\x01\x1F\x7F"sv) == "\"\\u0000\\u0001\\u001f\x7F\"");
    REQUIRE(written("\xC3\xA9\xE2\x80\xA8\xF0\x9D\x84\x9E") ==
            "\"\xC3\xA9\xE2\x80\xA8\xF0\x9D\x84\x9E\"");
    std::string out = "[";
    append_json_string(out, "x");
    REQUIRE(out == "[\"x\"");
}

TEST_CASE("random strings survive writing and reading, here and in nlohmann") {
    const std::vector<std::string> pieces{"a",
                                          "plain text of some length",
                                          "\"",
                                          "\\",
                                          "/",
                                          "\n",
                                          "\t",
                                          "\b",
                                          "\x1F",
                                          "\0"s,
                                          "\x7F",
                                          "\xC3\xA9",
                                          "\xE2\x80\xA8",
                                          "\xF0\x9D\x84\x9E"};
    std::mt19937 random{13};
    std::string storage;
    for (int i = 0; i < 5000; ++i) {
        std::string text;
        for (auto count = random() % 12; count > 0; --count)
            text += pieces[random() % pieces.size()];
        const auto literal = written(text);
        if (!valid_json(literal) || literal != json(text).dump() ||
            json_string_value(literal, storage) != text)
            FAIL(literal);
    }
}

TEST_CASE("a plain string is what is between its quotes; anything else is left alone") {
    const auto read = [](std::string_view text) { return JsonScanner{text}.plain_string(); };
    REQUIRE(read(R"(  "room:1",)") == "room:1");
    REQUIRE(read(R"("a name of more than sixteen bytes")") == "a name of more than sixteen bytes");
    REQUIRE(read(R"("")") == "");
    for (const auto text : {R"("a\"b")", R"("\u0041")", "\"caf\xC3\xA9\"", R"("without an end)",
                            "\"\n\"", "7", "[\"a\"]", "\"", "", "  "}) {
        CAPTURE(text);
        JsonScanner scanner{text};
        REQUIRE_FALSE(scanner.plain_string());
        REQUIRE(scanner.failure() == Failure::none);
        REQUIRE(scanner.value().has_value() == JsonScanner{text}.value().has_value());
    }
}
