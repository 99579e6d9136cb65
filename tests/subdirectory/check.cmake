# Configures, builds, and runs the project in consumer/, which adds the library's source tree to its own. Flags are
# those of the build that runs this, so that a compiler cache knows the library's files.
cmake_minimum_required(VERSION 3.22)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B "${WORK_DIR}"
  -G "${GENERATOR}"
  -D "CMAKE_CXX_COMPILER=${COMPILER}"
  -D "CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
  -D "CMAKE_BUILD_TYPE=${BUILD_TYPE}"
  -D "CMAKE_CXX_FLAGS=${FLAGS}"
  -D "CMAKE_CXX_FLAGS_DEBUG=${DEBUG_FLAGS}"
  -D "CHAIN_WERROR=${WERROR}"
  -D "CHAIN_UNITY=${UNITY}"
  -D "CHAIN_SOURCE_DIR=${SOURCE_DIR}")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}")
run("${WORK_DIR}/consumer")
