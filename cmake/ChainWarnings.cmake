# The warnings that chain's own code is held to.

# Compiles `target` with them when CHAIN_WERROR is on; nothing of this reaches who links it.
function(chain_warnings target)
  if(CHAIN_WERROR)
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  endif()
endfunction()
