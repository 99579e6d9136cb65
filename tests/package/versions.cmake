# Fails unless each file that has to name a version names the one in include/chain/version.hpp.
cmake_minimum_required(VERSION 3.22)
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
include("${root}/cmake/ChainVersion.cmake")

chain_read_version("${root}/include/chain/version.hpp" version)

function(check_version file found)
  if(NOT found STREQUAL version)
    set_property(GLOBAL APPEND_STRING PROPERTY faults "\n  ${file} says '${found}'")
  endif()
endfunction()

# The version in `file` is the group of `regex` where that matches first.
function(check_text file regex)
  file(READ "${root}/${file}" text)
  if(text MATCHES "${regex}")
    check_version("${file}" "${CMAKE_MATCH_1}")
  else()
    check_version("${file}" "nothing")
  endif()
endfunction()

# The version in the JSON file `file`, which must be well formed, is the member `name`.
function(check_json file name)
  file(READ "${root}/${file}" text)
  string(JSON found GET "${text}" "${name}")
  check_version("${file}" "${found}")
endfunction()

check_text(CHANGELOG.md "\n## \\[([0-9][^]\n]*)\\]")
check_text(packaging/conan/conanfile.py "\n    version = \"([^\"\n]*)\"")
check_json(packaging/vcpkg/chain/vcpkg.json version-semver)
check_json(client/package.json version)
check_json(client/package-lock.json version)

get_property(faults GLOBAL PROPERTY faults)
if(faults)
  message(FATAL_ERROR "The version is ${version}, but:${faults}")
endif()
