# Makes a Debian package of the static library, libchain-dev, with cpack: packaging/deb does that.
# Only a static build for /usr has one: under another prefix the files are not where Debian has them, and a
# shared library would have to be a package of its own.
if(NOT PROJECT_IS_TOP_LEVEL OR NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr" OR BUILD_SHARED_LIBS)
  return()
endif()

# --- documents that a Debian package has --------------------------------------------------------

# Installs `file` into the package, and only there.
function(chain_package_document file name)
  install(FILES "${file}" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/libchain-dev"
    RENAME "${name}" COMPONENT debian EXCLUDE_FROM_ALL)
endfunction()

function(chain_package_compressed_document file name)
  set(compressed "${PROJECT_BINARY_DIR}/debian/${name}")
  execute_process(COMMAND gzip -9nc INPUT_FILE "${file}" OUTPUT_FILE "${compressed}"
    COMMAND_ERROR_IS_FATAL ANY)
  chain_package_document("${compressed}" "${name}")
endfunction()

if(NOT CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "The chain authors <chain@example.org>")
endif()

# CHANGELOG.md says what has changed; Debian's own changelog says how the package has.
string(TIMESTAMP chain_date "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, if it is set
file(WRITE "${PROJECT_BINARY_DIR}/debian/changelog" "\
libchain-dev (${PROJECT_VERSION}-1) unstable; urgency=medium

  * Packaged with CPack; changelog.gz tells what is new in this version.

 -- ${CPACK_PACKAGE_CONTACT}  ${chain_date}
")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/CHANGELOG.md")
chain_package_document("${PROJECT_SOURCE_DIR}/LICENSE" copyright)
chain_package_compressed_document("${PROJECT_SOURCE_DIR}/CHANGELOG.md" changelog.gz)
chain_package_compressed_document("${PROJECT_BINARY_DIR}/debian/changelog" changelog.Debian.gz)

# --- the package --------------------------------------------------------------------------------

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libchain-dev)
set(CPACK_PACKAGE_VENDOR "the chain authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};chain;ALL;/"
  "${PROJECT_BINARY_DIR};chain;debian;/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "libboost1.81-dev | libboost-dev (>= 1.81), nlohmann-json3-dev (>= 3.11), libssl-dev (>= 3), zlib1g-dev")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "real-time channels for C++ servers (development files)")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "\
Clients join topics, push events, get replies and receive broadcasts;
chain does connections, fan-out, back-pressure, time-outs, reconnects in
the browser, and threads, in a C++20 server that exists already.

This package has the headers, the static library, and what CMake and
pkg-config need to find them.")

include(CPack)
