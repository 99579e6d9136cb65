// Definitions of <chain/request.hpp>.
#pragma once

#include <chain/detail/text.hpp>
#include <chain/request.hpp>

namespace chain {

namespace detail {

Request::Fields parse_query(std::string_view query) {
    Request::Fields fields;
    while (!query.empty()) {
        auto value = take_until(query, '&');
        if (value.empty()) continue;
        const auto name = take_until(value, '=');
        fields.emplace_back(percent_decode(name, true), percent_decode(value, true));
    }
    return fields;
}

} // namespace detail

std::string_view Request::path() const noexcept {
    return std::string_view(target).substr(0, target.find('?'));
}

std::optional<std::string_view> Request::param(std::string_view name) const noexcept {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
    for (const auto& [key, value] : headers)
        if (key.size() == name.size() && detail::equals_ignoring_case(key, name)) return value;
    return std::nullopt;
}

namespace detail {

/// Calls `f(name, value)` for each cookie, until it returns true.
template <class F>
void for_each_cookie(const Request::Fields& headers, F f) {
    for (const auto& [key, field] : headers) {
        if (!equals_ignoring_case(key, "cookie")) continue;
        std::string_view rest = field;
        while (!rest.empty()) {
            auto value = take_until(rest, ';');
            const auto name = trim_spaces(take_until(value, '='));
            if (f(name, trim_spaces(value))) return;
        }
    }
}

} // namespace detail

Request::Fields Request::cookies() const {
    Fields found;
    detail::for_each_cookie(headers, [&](std::string_view name, std::string_view value) {
        found.emplace_back(name, value);
        return false;
    });
    return found;
}

std::optional<std::string_view> Request::cookie(std::string_view name) const noexcept {
    std::optional<std::string_view> found;
    detail::for_each_cookie(headers, [&](std::string_view key, std::string_view value) {
        if (key == name) found = value;
        return found.has_value();
    });
    return found;
}

namespace detail {

/// The keys of a nested parameter's name, `a`, `b` and `` of `a[b][]`; the name itself when it is
/// none, or nested too deeply.
std::vector<std::string_view> param_keys(std::string_view name) {
    static constexpr std::size_t max_depth = 16;
    const auto open = name.find('[');
    if (open == 0 || open == std::string_view::npos || !name.ends_with(']')) return {name};
    std::vector<std::string_view> keys = {name.substr(0, open)};
    auto rest = name.substr(open);
    while (rest.starts_with('[') && keys.size() <= max_depth) {
        rest.remove_prefix(1);
        keys.push_back(take_until(rest, ']'));
    }
    return rest.empty() ? keys : std::vector{name};
}

/// Stores a value below `object`, where a key stands for a member and an empty one for a further
/// element. What is in the way gives way.
void store_param(Json& object, std::string_view name, const std::string& value) {
    auto* at = &object;
    for (const auto key : param_keys(name)) {
        if (key.empty() && at != &object) {
            if (!at->is_array()) *at = Json::array();
            at = &at->emplace_back();
        } else {
            if (!at->is_object()) *at = Json::object();
            at = &(*at)[std::string(key)];
        }
    }
    *at = value;
}

} // namespace detail

Json Request::params() const {
    Json object = Json::object();
    for (const auto& [name, value] : query) detail::store_param(object, name, value);
    return object;
}

} // namespace chain
