// The test program's main(): Catch2 v2 generates it here, v3 brings it as a library
// (Catch2WithMain).
#if !__has_include(<catch2/catch_test_macros.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
