// The whole library in one translation unit.
#include <chain/src.hpp>
