// Names, patterns, requests and error codes: the small value types.
#include "../support/core.hpp"

#include <set>
#include <stdexcept>

using chain::Errc, chain::Json, chain::Request, chain::TopicPattern;
using namespace std::string_literals;

TEST_CASE("topics are 1 to 255 bytes of UTF-8 without comma, asterisk, control "
          "or outer space") {
    for (const auto& topic :
         {"a"s, "room:1"s, "a b"s, "_x"s, "\xC3\xA9"s, std::string(255, 'x'), "a/b?c=d"s})
        CHECK(chain::valid_topic(topic));
    for (const auto& topic : {""s, std::string(256, 'x'), "a,b"s, "a*"s, "*"s, " a"s, "a "s,
                              "a\nb"s, "a\x7f"s, "a\0b"s, "\xFF"s, "\xC0\x80"s, "\xED\xA0\x80"s})
        CHECK_FALSE(chain::valid_topic(topic));
}

TEST_CASE("events are 1 to 255 bytes of UTF-8 without comma, control or "
          "leading underscore") {
    for (const auto& event :
         {"a"s, "a b"s, " a "s, "a*"s, "a_"s, "user:joined"s, std::string(255, 'x')})
        CHECK(chain::valid_event(event));
    for (const auto& event : {""s, std::string(256, 'x'), "a,b"s, "_a"s, "_"s, "a\tb"s, "\xFF"s})
        CHECK_FALSE(chain::valid_event(event));
}

TEST_CASE("a pattern is a name, or a prefix and one trailing asterisk") {
    for (const auto* text : {"a", "room:*", "*", "a b*", "room: *"})
        CHECK_NOTHROW(TopicPattern(text));
    for (const auto* text : {"", "a*b", "**", "a**", " a", "a ", " *", "a,*", "\x01*"})
        CHECK_THROWS_AS(TopicPattern(text), std::invalid_argument);

    const TopicPattern room("room:*");
    CHECK(room.is_prefix());
    CHECK(room.prefix() == "room:");
    CHECK(room.matches("room:"));
    CHECK(room.matches("room:a"));
    CHECK_FALSE(room.matches("room"));
    CHECK(room.covers(TopicPattern("room:a*")));
    CHECK(room.covers(TopicPattern("room:a")));
    CHECK_FALSE(room.covers(TopicPattern("roo*")));
    const TopicPattern lobby("lobby");
    CHECK(lobby.matches("lobby"));
    CHECK_FALSE(lobby.matches("lobby2"));
    CHECK_FALSE(lobby.covers(TopicPattern("lobby*")));
    CHECK(TopicPattern("*").covers(lobby));
}

TEST_CASE("a request gives parameters by exact name, headers by any case, "
          "cookies by exact name") {
    Request request;
    request.target = "/socket/websocket?a=1&a=2";
    request.query = {{"a", "1"}, {"a", "2"}, {"B", ""}};
    request.headers = {
        {"Host", "x"}, {"COOKIE", "a=1; b=two=2;c=3"}, {"cookie", "d= 4 "}, {"host", "y"}};

    CHECK(request.path() == "/socket/websocket");
    CHECK(request.param("a") == "1");
    CHECK(request.param("B") == "");
    CHECK_FALSE(request.param("b"));
    CHECK(request.header("hOST") == "x");
    CHECK_FALSE(request.header("hos"));
    CHECK(request.cookie("a") == "1");
    CHECK(request.cookie("b") == "two=2");
    CHECK(request.cookie("c") == "3");
    CHECK(request.cookie("d") == "4");
    CHECK_FALSE(request.cookie("A"));
    CHECK_FALSE(request.cookie(""));
    CHECK(request.params() == Json{{"a", "2"}, {"B", ""}});
    CHECK(Request().params() == Json::object());
    CHECK(Request().path().empty());
}

TEST_CASE("a query is decoded, and a broken escape stays as it is") {
    const auto fields =
        chain::detail::parse_query("a=1&b=x+y%20z&&%41=%c3%a9&flag&=v&e=%4&f=%zz&g=a=b");
    CHECK(fields == Request::Fields{{"a", "1"},
                                    {"b", "x y z"},
                                    {"A", "\xC3\xA9"},
                                    {"flag", ""},
                                    {"", "v"},
                                    {"e", "%4"},
                                    {"f", "%zz"},
                                    {"g", "a=b"}});
    CHECK(chain::detail::parse_query("").empty());
}

TEST_CASE("each error code has a sentence of its own") {
    std::set<std::string> messages;
    for (int value = 1; value <= static_cast<int>(Errc::text_only); ++value) {
        const auto message = chain::make_error_code(static_cast<Errc>(value)).message();
        CHECK(message.find(": ") != std::string::npos);
        messages.insert(message);
    }
    CHECK(messages.size() == static_cast<std::size_t>(Errc::text_only));
    CHECK(chain::make_error_code(Errc::closed).category().name() == "chain"s);
    CHECK(static_cast<int>(Errc::unmatched_topic) == 2);
    CHECK(chain::error_code(Errc::closed) == Errc::closed);
}
