// References that clients choose, kept in eight bytes each.
#include "../support/catch.hpp"

#include <chain/detail/reference.hpp>

#include <string>
#include <utility>
#include <vector>

using chain::detail::Reference;

namespace {

const std::vector<std::string> tokens{"",
                                      "0",
                                      "1",
                                      "-1",
                                      "00",
                                      "1234567",
                                      "12345678",
                                      "01234567",
                                      "999999999999999999",
                                      "1000000000000000000",
                                      "\"\"",
                                      "\"1\"",
                                      "\"12345\"",
                                      "\"123456\"",
                                      "\"01\"",
                                      "\"0123456\"",
                                      "\"\xF0\x9F\x98\x80\"",
                                      "\"a reference of many words\"",
                                      "12345678.5",
                                      "\"12345678",
                                      std::string(3, '\0'),
                                      std::string(2, '\0'),
                                      "true"};

} // namespace

TEST_CASE("a reference is the token that it was made of, and equal to no other") {
    for (const auto& token : tokens) {
        const Reference reference{token};
        CHECK(reference.text() == token);
        CHECK(reference.empty() == token.empty());
        for (const auto& other : tokens) CHECK((reference == other) == (token == other));
    }
}

TEST_CASE("a reference can be handed on") {
    for (const auto& token : tokens) {
        Reference first{token};
        Reference second{std::move(first)};
        CHECK(second.text() == token);
        Reference third{"\"a reference of many words\""};
        third = std::move(second);
        CHECK(third.text() == token);
    }
}
