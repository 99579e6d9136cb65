// The map by which channels, handlers of events and adapters are found, alone.
#include "../support/catch.hpp"

#include <chain/detail/pattern_map.hpp>

#include <algorithm>
#include <string>
#include <vector>

using chain::TopicPattern, chain::detail::PatternMap;

namespace {

PatternMap<std::string> map_of(const std::vector<std::string>& patterns) {
    PatternMap<std::string> map;
    for (const auto& text : patterns) map.insert(TopicPattern{text}, text);
    return map;
}

std::string best(const PatternMap<std::string>& map, std::string_view name) {
    const auto* found = map.match(name);
    return found ? *found : "nothing";
}

} // namespace

TEST_CASE("of all patterns that match, the exact one is found, else the longest prefix") {
    std::vector<std::string> patterns{"*", "a", "a*", "a:*", "a:b", "a:b*", "b:c"};
    do {
        const auto map = map_of(patterns);
        CHECK(best(map, "a") == "a");
        CHECK(best(map, "ab") == "a*");
        CHECK(best(map, "a:") == "a:*");
        CHECK(best(map, "a:x") == "a:*");
        CHECK(best(map, "a:b") == "a:b");
        CHECK(best(map, "a:bc") == "a:b*");
        CHECK(best(map, "b:c") == "b:c");
        CHECK(best(map, "b:cd") == "*");
        CHECK(best(map, "") == "*");
    } while (std::ranges::next_permutation(patterns).found);
}

TEST_CASE("names of one length are told apart, and those of others") {
    const std::vector<std::string> all{"bb", "cccc",   "aab", "aaa", "bbb",  "aba",
                                       "d",  "dddddd", "abc", "eee", "ffff", "gg"};
    for (std::size_t count = 0; count <= all.size(); ++count) { // few are searched in another way
        const std::vector<std::string> names(all.begin(),
                                             all.begin() + static_cast<std::ptrdiff_t>(count));
        const auto map = map_of(names);
        for (const auto& name : names) CHECK(best(map, name) == name);
        for (const auto* other : {"", "a", "ab", "cc", "abb", "ccc", "dddd", "eeeee", "eeeeeee"})
            CHECK(best(map, other) == "nothing");
    }
}

TEST_CASE("a name that no pattern matches is not found") {
    CHECK(best(map_of({}), "a") == "nothing");
    CHECK(map_of({}).empty());
    const auto map = map_of({"a:*", "b"});
    CHECK_FALSE(map.empty());
    CHECK(best(map, "a") == "nothing");
    CHECK(best(map, "bb") == "nothing");
    CHECK(best(map, "A:x") == "nothing");
}

TEST_CASE("a pattern is taken once; a name and the prefix of that name are two patterns") {
    auto map = map_of({"a", "a*"});
    for (const auto* text : {"a", "a*"})
        CHECK_THROWS_AS(map.insert(TopicPattern{text}, "again"), std::invalid_argument);
    CHECK(best(map, "a") == "a");
    CHECK(best(map, "ab") == "a*");
}
