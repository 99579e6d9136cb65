# Installs the headers, the library, and the package that find_package(chain) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(chain_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/chain")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/chain"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
install(TARGETS chain EXPORT chainTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT chainTargets NAMESPACE chain:: DESTINATION "${chain_package_dir}")

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/chainConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/chainConfig.cmake"
  INSTALL_DESTINATION "${chain_package_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/chainConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/chainConfig.cmake"
  "${PROJECT_BINARY_DIR}/chainConfigVersion.cmake"
  DESTINATION "${chain_package_dir}")
