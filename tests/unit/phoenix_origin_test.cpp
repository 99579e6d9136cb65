// Which web pages may connect, what clients offer as subprotocol, and nested parameters.
#include "../support/core.hpp"

#include <chain/detail/origin.hpp>
#include <chain/detail/subprotocol.hpp>

#include <stdexcept>

using chain::HandlerConfig, chain::OwnOrigin, chain::Request;
using chain::detail::origin_allowed, chain::detail::origin_listed, chain::detail::parse_origin;

namespace {

bool listed(const std::string& rule, std::string_view origin) {
    return origin_listed(parse_origin(origin), std::vector{rule});
}

Request from_page(std::string origin, std::string host = "example.com", bool tls = false) {
    Request request;
    request.headers = {{"Host", std::move(host)}, {"Origin", std::move(origin)}};
    request.tls = tls;
    return request;
}

Request offering(std::vector<std::string> fields) {
    Request request;
    for (auto& field : fields)
        request.headers.emplace_back("Sec-WebSocket-Protocol", std::move(field));
    return request;
}

} // namespace

TEST_CASE("phoenix 27: an origin is listed with its scheme, whose default port counts") {
    CHECK(listed("https://example.com", "https://example.com"));
    CHECK(listed("https://example.com", "https://EXAMPLE.com:443"));
    CHECK(listed("https://example.com:443", "https://example.com"));
    CHECK(listed("https://example.com:8443", "https://example.com:8443"));
    CHECK_FALSE(listed("https://example.com", "http://example.com"));
    CHECK_FALSE(listed("https://example.com", "https://example.com:8443"));
    CHECK_FALSE(listed("http://example.com", "http://example.com:443"));
    CHECK_FALSE(listed("https://example.com", "https://www.example.com"));
    CHECK_FALSE(listed("https://example.com", "https://example.com.evil"));
}

TEST_CASE("phoenix 27: a rule without scheme, or without port, takes any") {
    CHECK(listed("//example.com", "http://example.com"));
    CHECK(listed("//example.com", "https://example.com:8443"));
    CHECK(listed("example.com", "https://example.com:8443"));
    CHECK(listed("//example.com:81", "http://example.com:81"));
    CHECK(listed("//example.com:81", "https://example.com:81"));
    CHECK(listed("//example.com:443", "https://example.com"));
    CHECK_FALSE(listed("//example.com:81", "http://example.com"));
    CHECK(listed("app://local", "app://local"));
    CHECK(listed("//[::1]:81", "http://[::1]:81"));
}

TEST_CASE("phoenix 27: a wildcard stands for the domain and all below it, and no mere suffix") {
    CHECK(listed("//*.ex.com", "http://ex.com"));
    CHECK(listed("//*.ex.com", "http://a.ex.com"));
    CHECK(listed("//*.ex.com", "http://a.b.EX.com:81"));
    CHECK(listed("https://*.ex.com", "https://a.ex.com"));
    CHECK_FALSE(listed("https://*.ex.com", "http://a.ex.com"));
    CHECK_FALSE(listed("//*.ex.com", "http://prefix-ex.com"));
    CHECK_FALSE(listed("//*.ex.com", "http://com"));
}

TEST_CASE("phoenix 27: origins without a host are foreign to every rule but the star") {
    for (const auto* origin :
         {"null", "file://", "", "example.com", "http://", "http://a/b", "http://user@example.com",
          "://example.com", "a?://example.com", "1a://example.com"}) {
        INFO(origin);
        CHECK_FALSE(listed("//example.com", origin));
        CHECK(listed("*", origin));
        CHECK_FALSE(origin_allowed(from_page(origin), HandlerConfig{}));
    }
}

TEST_CASE(
    "phoenix 27: the endpoint's own origin, with the scheme of a proxy or of the connection") {
    HandlerConfig config;
    CHECK(origin_allowed(from_page("http://example.com"), config));
    CHECK(origin_allowed(from_page("https://example.com"), config));
    CHECK(origin_allowed(from_page("http://example.com:81", "example.com:81"), config));
    CHECK_FALSE(origin_allowed(from_page("http://example.com:81"), config));
    CHECK_FALSE(origin_allowed(from_page("ws://example.com"), config));
    CHECK_FALSE(origin_allowed(from_page("chrome-extension://example.com"), config));

    config.own_origin = OwnOrigin::connection;
    CHECK(origin_allowed(from_page("http://example.com"), config));
    CHECK_FALSE(origin_allowed(from_page("https://example.com"), config));
    CHECK(origin_allowed(from_page("https://example.com", "example.com", true), config));
    CHECK(origin_allowed(from_page("https://example.com", "example.com:443", true), config));
    CHECK_FALSE(origin_allowed(from_page("http://example.com:81"), config));
    CHECK_FALSE(origin_allowed(from_page("wss://example.com", "example.com", true), config));

    config.own_origin = OwnOrigin::none;
    CHECK_FALSE(origin_allowed(from_page("http://example.com"), config));
    config.allowed_origins = {"//example.com"};
    CHECK(origin_allowed(from_page("http://example.com"), config));
}

TEST_CASE("phoenix 27: a function decides on what is left, origins without a host too") {
    HandlerConfig config;
    std::vector<std::string> asked;
    config.allow_origin = [&](const chain::PageOrigin& origin, const Request& request) {
        asked.emplace_back(origin.text);
        CHECK(request.header("Host") == "example.com");
        return origin.text == "null" || origin.port == 8443;
    };
    CHECK(origin_allowed(from_page("null"), config));
    CHECK(origin_allowed(from_page("https://other.com:8443"), config));
    CHECK_FALSE(origin_allowed(from_page("https://other.com"), config));
    CHECK(origin_allowed(from_page("http://example.com"), config));
    CHECK(asked == std::vector<std::string>{"null", "https://other.com:8443", "https://other.com"});
    CHECK(origin_allowed(Request{}, config));
}

TEST_CASE("an origin that no page can have is refused at set-up") {
    for (const std::string rule : {"", "https://", "https://a/b", "https://a*.com", "//", "://a",
                                   "a.*.com", "https//a", "https://a:0", "https://a:x", "*.*.a"}) {
        INFO(rule);
        HandlerConfig config = test::quiet();
        config.allowed_origins = {rule};
        CHECK_THROWS_AS(chain::Handler(config), std::invalid_argument);
    }
}

TEST_CASE("phoenix 30: the token is taken out of the offer, in both alphabets, padded or not") {
    for (const std::string token : {"+/-_YQ", "-_-_YQ==", "+/+/YQ=="}) {
        auto request = offering({"phoenix, base64url.bearer.phx." + token});
        const auto chosen = chain::detail::read_subprotocols(request, {});
        CHECK(chosen.refusal == 0);
        CHECK(chosen.chosen == "phoenix");
        CHECK(request.auth_token == "\xFB\xFF\xBF"
                                    "a");
    }
    auto alone = offering({"base64url.bearer.phx.YQ"});
    CHECK(chain::detail::read_subprotocols(alone, {}).chosen.empty());
    CHECK(alone.auth_token == "a");
    auto own = offering({"chain, base64url.bearer.phx.YQ"});
    CHECK(chain::detail::read_subprotocols(own, {}).chosen == "chain");
    CHECK(own.auth_token == "a");
    auto apart = offering({"base64url.bearer.phx.YQ", "phoenix"});
    CHECK(chain::detail::read_subprotocols(apart, {}).chosen == "phoenix");
    CHECK(apart.auth_token == "a");
}

TEST_CASE("phoenix 30: garbage is refused, several tokens are ignored") {
    auto garbage = offering({"phoenix, base64url.bearer.phx.Y!"});
    CHECK(chain::detail::read_subprotocols(garbage, {}).refusal == 400);
    auto two = offering({"phoenix, base64url.bearer.phx.YQ, base64url.bearer.phx.Yg"});
    CHECK(chain::detail::read_subprotocols(two, {}).chosen == "phoenix");
    CHECK_FALSE(two.auth_token.has_value());
}

TEST_CASE("phoenix 30: a token in a header, for transports without subprotocols") {
    Request request;
    request.headers = {{"x-phoenix-authtoken", "se cret"}};
    HandlerConfig config;
    config.auth_token = false;
    chain::detail::read_auth_header(request, config);
    CHECK_FALSE(request.auth_token.has_value());
    chain::detail::read_auth_header(request, {});
    CHECK(request.auth_token == "se cret");
}

TEST_CASE("phoenix 29: subprotocols are agreed to in the client's order") {
    HandlerConfig config;
    config.subprotocols = {"sip", "xmpp"};
    const auto chosen = [&](std::vector<std::string> fields) {
        auto request = offering(std::move(fields));
        const auto result = chain::detail::read_subprotocols(request, config);
        return result.refusal != 0 ? std::to_string(result.refusal) : result.chosen;
    };
    CHECK(chosen({}).empty());
    CHECK(chosen({"mqtt"}) == "403");
    CHECK(chosen({"mqtt, sip"}) == "sip");
    CHECK(chosen({"xmpp,sip"}) == "xmpp");
    CHECK(chosen({"phoenix"}) == "phoenix");
    CHECK(chosen({"SIP"}) == "403");
    config.auth_token = false;
    CHECK(chosen({"phoenix"}) == "403");
    CHECK(chosen({"chain"}) == "403");
    CHECK(chosen({"sip"}) == "sip");
    CHECK(chosen({"base64url.bearer.phx.YQ"}) == "403");
    config.subprotocols = {};
    CHECK(chosen({"phoenix", "mqtt"}).empty());
}

TEST_CASE("parameters may be nested") {
    Request request;
    const auto params = [&](std::string_view query) {
        request.query = chain::detail::parse_query(query);
        return request.params().dump();
    };
    CHECK(params("a=1&b=2&a=3") == R"({"a":"3","b":"2"})");
    CHECK(params("a[b]=c&a[d][e]=f") == R"({"a":{"b":"c","d":{"e":"f"}}})");
    CHECK(params("a[]=1&a[]=2") == R"({"a":["1","2"]})");
    CHECK(params("a%5Bb%5D=x+y") == R"({"a":{"b":"x y"}})");
    CHECK(params("a=1&a[b]=2&a=3") == R"({"a":"3"})");
    CHECK(params("a=1&a[b]=2&a[]=3") == R"({"a":["3"]})");
    CHECK(params("[a]=1&a[=2&a]=3&a[b]c=4&a[b=5") ==
          R"({"[a]":"1","a[":"2","a[b":"5","a[b]c":"4","a]":"3"})");
    std::string deep = "a";
    for (int i = 0; i < 1000; ++i) deep += "[b]";
    CHECK(params(deep + "=1") == "{\"" + deep + "\":\"1\"}");
}
