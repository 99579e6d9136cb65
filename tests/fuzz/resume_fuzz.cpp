// Fuzzes what a request says about itself: its query, its path's parameters, the session that it
// belongs to, the token that it shows, and what proxies have added.
//
// Input: one byte chooses settings; then lines: the target, a token, a Last-Event-ID, and header
// fields as `name: value`.
#include <chain/detail/endpoint.hpp>
#include <chain/detail/resume_request.hpp>
#include <chain/detail/session_core.hpp>
#include <chain/detail/subprotocol.hpp>
#include <chain/detail/text.hpp>
#include <chain/detail/trusted_proxies.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>

namespace {

using chain::Request;
using fuzz::require;

constexpr std::array<std::string_view, 5> reserved = {"session", "received", "resume", "attempt",
                                                      "seq"};

Request request_of(std::string_view target) {
    Request request;
    request.target = target;
    const auto query = request.target.find('?');
    if (query != std::string::npos)
        request.query =
            chain::detail::parse_query(std::string_view(request.target).substr(query + 1));
    return request;
}

void check_token(std::string_view text) {
    const auto token = chain::detail::resume_token_from(text);
    if (!token) return;
    const auto written = token->text();
    require(chain::detail::equals_ignoring_case(written, text), "a token is written as it was");
    const auto again = chain::detail::resume_token_from(written);
    require(again && chain::detail::same_secret(again->secret, token->secret),
            "and reads the same");
}

void check_event_id(std::string_view text) {
    const auto id = chain::detail::event_id_from(text);
    if (!id) return;
    require(text.starts_with(id->epoch), "an epoch is the id's beginning");
    const auto number = std::to_string(id->number);
    require(text.ends_with(number), "and the number its end");
}

/// What is about resuming is gone, and nothing else.
void check_taken(const Request& before, Request& request) {
    const auto wish = chain::detail::take_resume_request(request);
    const auto is_reserved = [](const auto& field) {
        return std::ranges::find(reserved, field.first) != reserved.end();
    };
    require(std::ranges::none_of(request.query, is_reserved), "no reserved parameter is left");
    require(request.path() == before.path(), "the path stays");
    const auto kept = std::ranges::count_if(before.query, is_reserved);
    require(request.query.size() + static_cast<std::size_t>(kept) == before.query.size(),
            "the others stay");
    require(!wish.token || (wish.shown && wish.received), "a token counts from some frame");
    for (const auto& [name, value] : request.headers)
        if (chain::detail::equals_ignoring_case(name, "X-Chain-Session"))
            require(value.empty(), "a token is not shown to the application");
    auto again = request;
    const auto nothing = chain::detail::take_resume_request(again);
    require(!nothing.token && !nothing.wanted, "what was taken is gone");
}

void check_subprotocols(Request request, std::size_t settings) {
    chain::HandlerConfig config;
    config.auth_token = settings % 2 == 0;
    if (settings % 3 == 0) config.subprotocols = {"graph", "chain"};
    const auto chosen = chain::detail::read_subprotocols(request, config);
    const bool known =
        chosen.chosen.empty() ||
        (config.auth_token && (chosen.chosen == "phoenix" || chosen.chosen == "chain")) ||
        std::ranges::find(config.subprotocols, chosen.chosen) != config.subprotocols.end();
    require(known && (chosen.refusal == 0 || chosen.chosen.empty()),
            "only what is known is chosen");
}

void check_proxies(Request request) {
    static const chain::detail::TrustedProxies nobody{{}};
    static const chain::detail::TrustedProxies some{{"10.0.0.0/8", "::1", "unix"}};
    request.peer_address = "192.0.2.1";
    auto stranger = request;
    some.apply(stranger);
    require(stranger.peer_address == "192.0.2.1" && stranger.headers == request.headers,
            "a stranger's word is not taken");
    auto trusted = request;
    trusted.peer_address = "10.1.2.3";
    some.apply(trusted);
    require(!trusted.peer_address.empty(), "a client has an address");
    auto plain = request;
    nobody.apply(plain);
    require(plain.headers == request.headers, "without proxies nothing is taken");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::text_of(data, size);
    std::string_view rest = input;
    const auto settings = fuzz::take_choice(rest, 6);
    auto request = request_of(fuzz::take_part(rest));
    check_token(fuzz::take_part(rest));
    check_event_id(fuzz::take_part(rest));
    while (!rest.empty()) {
        auto value = fuzz::take_part(rest);
        const std::string name(fuzz::take_part(value, ':'));
        request.headers.emplace_back(name, chain::detail::trim_spaces(value));
    }
    require(request.params().is_object(), "parameters are an object");
    check_proxies(request);
    check_subprotocols(request, settings);
    const auto before = request;
    check_taken(before, request);
    const auto below = chain::detail::below_endpoint("/rooms/:room/socket", request.path());
    chain::detail::add_path_params(request, "/rooms/:room/socket");
    if (below) require(request.param("room").has_value(), "a variable of the path has a value");
    return 0;
}
