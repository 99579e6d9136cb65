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
        if (detail::equals_ignoring_case(key, name)) return value;
    return std::nullopt;
}

std::optional<std::string_view> Request::cookie(std::string_view name) const noexcept {
    for (const auto& [key, field] : headers) {
        if (!detail::equals_ignoring_case(key, "cookie")) continue;
        std::string_view rest = field;
        while (!rest.empty()) {
            auto value = detail::take_until(rest, ';');
            if (detail::trim_spaces(detail::take_until(value, '=')) == name)
                return detail::trim_spaces(value);
        }
    }
    return std::nullopt;
}

Json Request::params() const {
    Json object = Json::object();
    for (const auto& [name, value] : query) object[name] = value;
    return object;
}

} // namespace chain
