// The library's version, written here and nowhere else; the build files read it from here.
#pragma once

#define CHAIN_VERSION_MAJOR 0
#define CHAIN_VERSION_MINOR 1
#define CHAIN_VERSION_PATCH 0

#define CHAIN_JOIN_VERSION_(major, minor, patch) #major "." #minor "." #patch
#define CHAIN_JOIN_VERSION(major, minor, patch) CHAIN_JOIN_VERSION_(major, minor, patch)

namespace chain {

/// The version as text, "MAJOR.MINOR.PATCH" (semantic versioning).
inline constexpr const char* version =
    CHAIN_JOIN_VERSION(CHAIN_VERSION_MAJOR, CHAIN_VERSION_MINOR, CHAIN_VERSION_PATCH);

} // namespace chain

#undef CHAIN_JOIN_VERSION
#undef CHAIN_JOIN_VERSION_
