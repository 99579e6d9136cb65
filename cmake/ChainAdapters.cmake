# The adapters for brokers: chain::redis and chain::nats, each where its client library is found.
include("${CMAKE_CURRENT_LIST_DIR}/ChainBrokerClients.cmake")

set(chain_adapters "") # those that are built

# Adds the library chain_<name> from src/<name>.cpp, unless the option CHAIN_<NAME> or a missing client library
# forbids it. The other arguments are what it links.
function(chain_add_adapter name)
  string(TOUPPER ${name} upper)
  set(CHAIN_${upper} AUTO CACHE STRING
    "Build the adapter for ${name}: AUTO (where its client library is found), ON, or OFF")
  set_property(CACHE CHAIN_${upper} PROPERTY STRINGS AUTO ON OFF)
  if(NOT CHAIN_${upper})
    return()
  endif()
  cmake_language(CALL chain_find_${name}_client)
  if(NOT TARGET chain_client::${name})
    if(NOT CHAIN_${upper} STREQUAL "AUTO")
      message(FATAL_ERROR "CHAIN_${upper} is ON, but the client library for ${name} is not found")
    endif()
    message(STATUS "The adapter for ${name} is not built: its client library is not found")
    return()
  endif()
  add_library(chain_${name} src/${name}.cpp)
  add_library(chain::${name} ALIAS chain_${name})
  target_link_libraries(chain_${name} PUBLIC chain::chain PRIVATE chain_client::${name} ${ARGN})
  set_target_properties(chain_${name} PROPERTIES
    EXPORT_NAME ${name}
    POSITION_INDEPENDENT_CODE ON
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  chain_warnings(chain_${name})
  set(chain_adapters ${chain_adapters} ${name} PARENT_SCOPE)
endfunction()

chain_add_adapter(redis OpenSSL::SSL OpenSSL::Crypto)
chain_add_adapter(nats)
