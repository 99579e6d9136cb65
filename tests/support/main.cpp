// The test program's main(), where Catch2 brings no library that has it.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
