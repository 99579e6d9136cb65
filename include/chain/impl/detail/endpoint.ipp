// Definitions of <chain/detail/endpoint.hpp>.
#pragma once

#include <chain/detail/endpoint.hpp>
#include <chain/detail/text.hpp>

#include <string>

namespace chain::detail {

/// Cuts the first segment, which begins with `/`, off the front of `path`.
std::string_view take_segment(std::string_view& path) noexcept {
    const auto segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    return segment;
}

bool is_variable(std::string_view segment) noexcept { return segment.starts_with("/:"); }

std::optional<std::string_view> below_endpoint(std::string_view endpoint,
                                               std::string_view path) noexcept {
    while (!endpoint.empty()) {
        if (path.empty() || path.front() != '/') return std::nullopt;
        const auto wanted = take_segment(endpoint);
        const auto found = take_segment(path);
        if (is_variable(wanted) ? found.size() < 2 : found != wanted) return std::nullopt;
    }
    return path;
}

void add_path_params(Request& request, std::string_view endpoint) {
    auto path = request.path();
    while (!endpoint.empty() && !path.empty()) {
        const auto wanted = take_segment(endpoint);
        const auto found = take_segment(path);
        if (!is_variable(wanted)) continue;
        const auto name = wanted.substr(2);
        std::erase_if(request.query, [&](const auto& field) { return field.first == name; });
        request.query.emplace_back(name, percent_decode(found.substr(1), false));
    }
}

} // namespace chain::detail
