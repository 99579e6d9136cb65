# Runs `cmake --install`, then configures, builds, and runs the project in consumer/ against the result.
cmake_minimum_required(VERSION 3.22)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/consumer" -B "${WORK_DIR}/build"
  -G "${GENERATOR}"
  -D "CMAKE_PREFIX_PATH=${WORK_DIR}/prefix"
  -D "CMAKE_CXX_COMPILER=${COMPILER}"
  -D "CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
  -D "CMAKE_CXX_FLAGS=${FLAGS}"
  -D "EXPECTED_VERSION=${VERSION}"
  -D "EXPECTED_ADAPTERS=${ADAPTERS}"
  -D "EXPECTED_PREFIX=${WORK_DIR}/prefix")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
run("${WORK_DIR}/build/consumer")
