# The client libraries of the brokers that adapters speak to. Their own CMake packages are missing or broken
# in some distributions, so they are looked for by file. Also used by the installed package.

# Offers what `header` and `library` belong to as the target chain_client::<name>, if it is there.
function(chain_find_client name header library)
  if(TARGET chain_client::${name})
    return()
  endif()
  find_path(CHAIN_${name}_INCLUDE_DIR ${header})
  find_library(CHAIN_${name}_LIBRARY ${library})
  mark_as_advanced(CHAIN_${name}_INCLUDE_DIR CHAIN_${name}_LIBRARY)
  if(CHAIN_${name}_INCLUDE_DIR AND CHAIN_${name}_LIBRARY)
    add_library(chain_client::${name} UNKNOWN IMPORTED)
    set_target_properties(chain_client::${name} PROPERTIES
      IMPORTED_LOCATION "${CHAIN_${name}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CHAIN_${name}_INCLUDE_DIR}")
  endif()
endfunction()

function(chain_find_redis_client)
  chain_find_client(redis hiredis/hiredis.h hiredis)
endfunction()

function(chain_find_nats_client)
  chain_find_client(nats nats/nats.h nats)
endfunction()
