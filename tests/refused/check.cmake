# Compiles cases.cpp with one CASE, and fails unless the compiler says TEXT (or, without TEXT, is content).
execute_process(
  COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${FLAGS} -DCASE=${CASE} "${CMAKE_CURRENT_LIST_DIR}/cases.cpp"
  RESULT_VARIABLE result ERROR_VARIABLE said OUTPUT_VARIABLE said)
if(NOT TEXT)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "case ${CASE} does not compile:\n${said}")
  endif()
elseif(result EQUAL 0)
  message(FATAL_ERROR "case ${CASE} compiles")
else()
  string(FIND "${said}" "${TEXT}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "case ${CASE} is refused without \"${TEXT}\":\n${said}")
  endif()
endif()
