# The version is written in one place, include/chain/version.hpp; this reads it.

# Sets `out` to "MAJOR.MINOR.PATCH" as `header` defines them.
function(chain_read_version header out)
  file(STRINGS "${header}" lines REGEX "#define +CHAIN_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
  set(version "")
  foreach(part IN ITEMS MAJOR MINOR PATCH)
    if(NOT "${lines}" MATCHES "CHAIN_VERSION_${part} +([0-9]+)")
      message(FATAL_ERROR "${header} does not define CHAIN_VERSION_${part}")
    endif()
    list(APPEND version "${CMAKE_MATCH_1}")
  endforeach()
  list(JOIN version "." version)
  set(${out} "${version}" PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
endfunction()
