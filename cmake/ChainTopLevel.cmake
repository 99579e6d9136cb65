# Conveniences of a build of chain itself, none of which reaches a project that uses it.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER AND NOT DEFINED ENV{CMAKE_CXX_COMPILER_LAUNCHER})
  find_program(CHAIN_CCACHE ccache)
  mark_as_advanced(CHAIN_CCACHE)
  if(CHAIN_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CHAIN_CCACHE}")
  endif()
endif()
