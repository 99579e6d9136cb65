# Installs the headers, the library, and what find_package(chain) and pkg-config find.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(chain_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/chain")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/chain"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
set(chain_libraries chain)
if(CHAIN_TLS)
  list(APPEND chain_libraries chain_tls)
endif()
install(TARGETS ${chain_libraries} EXPORT chainTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT chainTargets NAMESPACE chain:: DESTINATION "${chain_package_dir}")
foreach(adapter IN LISTS chain_adapters) # each a component of the package
  install(TARGETS chain_${adapter} EXPORT chain-${adapter}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(EXPORT chain-${adapter} NAMESPACE chain:: DESTINATION "${chain_package_dir}")
endforeach()

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/chainConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/chainConfig.cmake"
  INSTALL_DESTINATION "${chain_package_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/chainConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_SOURCE_DIR}/cmake/ChainBrokerClients.cmake"
  "${PROJECT_BINARY_DIR}/chainConfig.cmake"
  "${PROJECT_BINARY_DIR}/chainConfigVersion.cmake"
  DESTINATION "${chain_package_dir}")

# The .pc file finds the prefix from where it lies, as the CMake package does, so that both can be moved.
set(chain_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH chain_pc_prefix "/prefix/${chain_pc_dir}" "/prefix")
string(REGEX REPLACE "/$" "" chain_pc_prefix "${chain_pc_prefix}")
set(chain_pc_requires "nlohmann_json >= 3.11")
set(chain_pc_requires_private "libcrypto >= 3, zlib")
if(NOT BUILD_SHARED_LIBS) # then who links it links these too, without having to ask with --static
  string(APPEND chain_pc_requires ", ${chain_pc_requires_private}")
  set(chain_pc_requires_private "")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/chain.pc.in" "${PROJECT_BINARY_DIR}/chain.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/chain.pc" DESTINATION "${chain_pc_dir}")
if(CHAIN_TLS)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/chain-tls.pc.in" "${PROJECT_BINARY_DIR}/chain-tls.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/chain-tls.pc" DESTINATION "${chain_pc_dir}")
endif()

include("${CMAKE_CURRENT_LIST_DIR}/ChainPackage.cmake")
