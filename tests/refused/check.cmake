# Compiles accepted.cpp, which must be content, or refused.cpp, in which the line after each "// REFUSED: sentence" must
# be refused with that sentence: at least as many errors with it as lines that have it.
set(source "${CMAKE_CURRENT_LIST_DIR}/${CASE}.cpp")
execute_process(
  COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${FLAGS} "${source}"
  RESULT_VARIABLE result ERROR_VARIABLE said OUTPUT_VARIABLE said)

if(CASE STREQUAL accepted)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "accepted.cpp does not compile:\n${said}")
  endif()
  return()
endif()

file(STRINGS "${source}" marks REGEX "// REFUSED: ")
list(TRANSFORM marks REPLACE "^ *// REFUSED: " "")
set(sentences ${marks})
list(REMOVE_DUPLICATES sentences)
foreach(sentence IN LISTS sentences)
  string(REGEX REPLACE "[^A-Za-z ]" "." pattern "${sentence}")
  set(expected ${marks})
  list(FILTER expected INCLUDE REGEX "^${pattern}$")
  list(LENGTH expected expected)
  string(REGEX MATCHALL "error: [^\n]*${pattern}" errors "${said}")
  list(LENGTH errors count)
  if(count LESS expected)
    message(FATAL_ERROR "${count} lines, not ${expected}, are refused with \"${sentence}\":\n${said}")
  endif()
endforeach()
