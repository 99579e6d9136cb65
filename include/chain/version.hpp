// The library's version; the build files read it from here.
#pragma once

#define CHAIN_VERSION_MAJOR 0
#define CHAIN_VERSION_MINOR 1
#define CHAIN_VERSION_PATCH 0

namespace chain {

/// The version as text, "MAJOR.MINOR.PATCH" (semantic versioning).
inline constexpr const char* version = "0.1.0";

} // namespace chain
