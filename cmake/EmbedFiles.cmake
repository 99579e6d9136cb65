# Writes include/chain/impl/client_files.ipp: the built browser client as C++.
#   cmake -P cmake/EmbedFiles.cmake                writes it
#   cmake -D CHECK=ON -P cmake/EmbedFiles.cmake    fails when it is not what would be written
# The result is committed, so that neither Node.js nor CMake is needed to use the library.
cmake_minimum_required(VERSION 3.22)

get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(output "${root}/include/chain/impl/client_files.ipp")

# File by file: where it is, and the type it is served with.
set(files
  client/dist/chain.js "text/javascript"
  client/dist/chain.js.map "application/json"
  client/dist/chain.d.ts "application/typescript"
  client/chain.ts "application/typescript")

# Sets `out` to the content of `path` as a sequence of string literals, one per line.
function(string_literals path out)
  file(READ "${path}" rest)
  set(literals " \"\"")
  string(LENGTH "${rest}" left)
  file(SIZE "${path}" size)
  if(NOT left EQUAL size)
    message(FATAL_ERROR "${path} must be text with LF line ends")
  endif()
  while(left GREATER 0)
    set(length 2000)
    while(length LESS left)
      string(SUBSTRING "${rest}" ${length} 1 next)
      if("${next}" MATCHES "^[ -~\n]$")
        break() # never cut within a UTF-8 sequence
      endif()
      math(EXPR length "${length} + 1")
    endwhile()
    if(length GREATER left)
      set(length ${left})
    endif()
    string(SUBSTRING "${rest}" 0 ${length} piece)
    string(SUBSTRING "${rest}" ${length} -1 rest)
    string(LENGTH "${rest}" left)
    string(REPLACE "\\" "\\\\" piece "${piece}")
    string(REPLACE "\"" "\\\"" piece "${piece}")
    string(REPLACE "?" "\\?" piece "${piece}") # `??=` would be a trigraph
    string(REPLACE "\n" "\\n" piece "${piece}")
    string(REPLACE "\t" "\\t" piece "${piece}")
    string(APPEND literals "\n    \"${piece}\"")
  endwhile()
  set(${out} "${literals}" PARENT_SCOPE)
endfunction()

set(contents "")
set(entries "")
while(files)
  list(POP_FRONT files path type)
  get_filename_component(name "${path}" NAME)
  if(NOT EXISTS "${root}/${path}")
    message(FATAL_ERROR "${path} does not exist: build the client (cd client && npm ci && npm run build)")
  endif()
  file(SHA256 "${root}/${path}" hash)
  string(SUBSTRING "${hash}" 0 32 tag)
  string_literals("${root}/${path}" literals)
  string(MAKE_C_IDENTIFIER "client_${name}" variable)
  string(APPEND contents "constexpr char ${variable}[] =${literals};\n\n")
  string(APPEND entries "    ClientFile{\"${name}\", \"${type}; charset=utf-8\", \"\\\"${tag}\\\"\",\n"
    "               {${variable}, sizeof(${variable}) - 1}},\n")
endwhile()

set(text "// The browser client's files. Written by scripts/embed-client; not to be edited.
#pragma once

#include <chain/detail/client_files.hpp>

// clang-format off
namespace chain::detail {

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \"-Woverlength-strings\"
#endif

${contents}#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

constexpr ClientFile all_client_files[] = {
${entries}};

std::span<const ClientFile> client_files() noexcept { return all_client_files; }

} // namespace chain::detail
")

if(CHECK)
  set(present "")
  if(EXISTS "${output}")
    file(READ "${output}" present)
  endif()
  if(NOT "${present}" STREQUAL "${text}")
    message(FATAL_ERROR "${output} is not current: run scripts/embed-client and commit the result")
  endif()
else()
  file(WRITE "${output}" "${text}")
  message(STATUS "Wrote ${output}")
endif()
