# cmake --install: the libraries and their public headers, the package for find_package(coax CONFIG COMPONENTS ...), and
# a file for pkg-config by component. Install component `runtime` (and `json`) is what programs need to run, `dev` what
# their builds need.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/coax)
set(generated ${PROJECT_BINARY_DIR}/package)

# coax_install_component(component RUNTIME component [REQUIRES ...] [LIBS ...] [PRIVATE_REQUIRES ...]
# [PRIVATE_LIBS ...]) installs target coax::<component>; what follows is for pkg-config.
function(coax_install_component component)
  cmake_parse_arguments(arg "" "RUNTIME;DESCRIPTION" "REQUIRES;LIBS;PRIVATE_REQUIRES;PRIVATE_LIBS" ${ARGN})
  get_target_property(target coax::${component} ALIASED_TARGET)
  install(TARGETS ${target} EXPORT coax-${component}
    LIBRARY COMPONENT ${arg_RUNTIME} NAMELINK_COMPONENT dev
    ARCHIVE COMPONENT dev
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
  install(EXPORT coax-${component} NAMESPACE coax:: DESTINATION ${package_dir} COMPONENT dev)

  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    # There is no other way to link it.
    list(APPEND arg_REQUIRES ${arg_PRIVATE_REQUIRES})
    list(APPEND arg_LIBS ${arg_PRIVATE_LIBS})
    set(arg_PRIVATE_REQUIRES)
    set(arg_PRIVATE_LIBS)
  endif()
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    list(PREPEND arg_LIBS -L\${libdir} -l${target})
  endif()
  list(JOIN arg_REQUIRES ", " requires)
  list(JOIN arg_PRIVATE_REQUIRES ", " private_requires)
  list(JOIN arg_LIBS " " libs)
  list(JOIN arg_PRIVATE_LIBS " " private_libs)
  # Relative to the file, so that an installed tree may be moved; an absolute directory stays what it is.
  file(RELATIVE_PATH up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  string(REGEX REPLACE "/$" "" up ${up})
  set(libdir "\${prefix}")
  cmake_path(APPEND libdir ${CMAKE_INSTALL_LIBDIR})
  set(includedir "\${prefix}")
  cmake_path(APPEND includedir ${CMAKE_INSTALL_INCLUDEDIR})
  string(REPLACE _ - name ${target})
  configure_file(lib/component.pc.in ${generated}/${name}.pc @ONLY)
  install(FILES ${generated}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()

coax_install_component(coax RUNTIME runtime DESCRIPTION "${PROJECT_DESCRIPTION}"
  LIBS -pthread
  PRIVATE_REQUIRES "openssl >= 3.0" zlib ${COAX_ISAL_PACKAGE}
  PRIVATE_LIBS -lboost_url)
coax_install_component(json RUNTIME json DESCRIPTION "coax with JSON messages" REQUIRES coax LIBS -lboost_json)
coax_install_component(redis RUNTIME runtime DESCRIPTION "coax with Redis behind its hub" REQUIRES coax)
coax_install_component(testing RUNTIME dev DESCRIPTION "Test kit for code over coax" REQUIRES coax)

configure_package_config_file(lib/coaxConfig.cmake.in ${generated}/coaxConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${generated}/coaxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/coaxConfig.cmake ${generated}/coaxConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT dev)

if(PROJECT_IS_TOP_LEVEL AND BUILD_SHARED_LIBS)
  include(lib/deb.cmake)
endif()
