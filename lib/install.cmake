# cmake --install: the library, its public headers, and a package for find_package(coax CONFIG).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/coax)
install(TARGETS coax coax_json coax_redis EXPORT coax-targets
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT coax-targets NAMESPACE coax:: FILE coaxTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/coaxConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/coaxConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/coaxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/coaxConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/coaxConfigVersion.cmake
  DESTINATION ${package_dir})
