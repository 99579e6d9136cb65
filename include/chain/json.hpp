// The JSON value type.
#pragma once

#include <nlohmann/json.hpp>

namespace chain {

/// A JSON value, of nlohmann/json.
using Json = nlohmann::json;

} // namespace chain
