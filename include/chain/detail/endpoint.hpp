// Where an endpoint is: a path, some of whose segments may be variables.
#pragma once

#include <chain/request.hpp>

#include <optional>
#include <string_view>

namespace chain::detail {

/// What is below an endpoint in a path: empty for the endpoint itself, else with its leading `/`;
/// nothing when the path is not the endpoint's. A segment of the endpoint that begins with `:`
/// stands for any one that is not empty.
std::optional<std::string_view> below_endpoint(std::string_view endpoint,
                                               std::string_view path) noexcept;
/// Adds the variables of a request's path to its query, where they take the place of parameters of
/// the same name.
void add_path_params(Request& request, std::string_view endpoint);

} // namespace chain::detail
