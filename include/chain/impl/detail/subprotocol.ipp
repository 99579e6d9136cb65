// Definitions of <chain/detail/subprotocol.hpp>.
#pragma once

#include <chain/detail/base64.hpp>
#include <chain/detail/subprotocol.hpp>
#include <chain/detail/text.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace chain::detail {

inline constexpr std::string_view token_prefix = "base64url.bearer.phx.";

/// What all Sec-WebSocket-Protocol fields offer, in order.
std::vector<std::string_view> offered_subprotocols(const Request& request) {
    std::vector<std::string_view> offers;
    for (const auto& [name, value] : request.headers) {
        if (!equals_ignoring_case(name, "Sec-WebSocket-Protocol")) continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const auto offer = trim_spaces(take_until(rest, ','));
            if (!offer.empty()) offers.push_back(offer);
        }
    }
    return offers;
}

/// Takes the tokens out of the offers. @return false when there is one that is no base64
bool take_token(std::vector<std::string_view>& offers, Request& request) {
    const auto is_token = [](std::string_view offer) { return offer.starts_with(token_prefix); };
    const bool one = std::ranges::count_if(offers, is_token) == 1;
    if (one) {
        const auto found = std::ranges::find_if(offers, is_token);
        request.auth_token = base64_decode(found->substr(token_prefix.size()));
    }
    std::erase_if(offers, is_token);
    return !one || request.auth_token;
}

Subprotocol read_subprotocols(Request& request, const HandlerConfig& config) {
    if (!config.auth_token && config.subprotocols.empty()) return {};
    auto offers = offered_subprotocols(request);
    if (config.auth_token && !take_token(offers, request))
        return {400, "the token is no base64", {}};
    const auto known = [&](std::string_view offer) {
        return (config.auth_token && (offer == "phoenix" || offer == "chain")) ||
               std::ranges::find(config.subprotocols, offer) != config.subprotocols.end();
    };
    const auto chosen = std::ranges::find_if(offers, known);
    if (chosen != offers.end()) return {0, {}, std::string(*chosen)};
    if (!offers.empty()) return {403, "no such subprotocol", {}};
    return {};
}

void read_auth_header(Request& request, const HandlerConfig& config) {
    if (!config.auth_token || request.auth_token) return;
    auto token = request.header("X-Phoenix-AuthToken");
    static constexpr std::string_view bearer = "Bearer ";
    const auto authorization = request.header("Authorization");
    if (!token && authorization && equals_ignoring_case(authorization->substr(0, 7), bearer))
        token = trim_spaces(authorization->substr(bearer.size()));
    if (token) request.auth_token = std::string(*token);
}

} // namespace chain::detail
