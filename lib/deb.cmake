# cpack: the Debian packages libcoax<SONAME>, libcoax-json<SONAME> and libcoax-dev; of shared libraries only.
set(so_version ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(runtime_package libcoax${so_version})
set(json_package libcoax-json${so_version})
set(dev_package libcoax-dev)
set(boost_version ${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR})

foreach(component runtime json dev)
  # Debian wants the licence there; who installs from source has it already.
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${${component}_package}
    RENAME copyright COMPONENT ${component} EXCLUDE_FROM_ALL)
  string(TOUPPER ${component} name)
  set(CPACK_DEBIAN_${name}_PACKAGE_NAME ${${component}_package})
  set(CPACK_DEBIAN_${name}_PACKAGE_SECTION libs)
endforeach()
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}")
set(CPACK_COMPONENT_JSON_DESCRIPTION "${PROJECT_DESCRIPTION}: JSON messages")
set(CPACK_COMPONENT_DEV_DESCRIPTION "${PROJECT_DESCRIPTION}: headers and test kit")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The coax maintainers")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime json dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

# Programs of the same minor version run with it, builds want the very version. The rest of what a library needs is
# found in it; coax.pc names what a static coax would be linked with, and pkg-config wants to see that.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_JSON_PACKAGE_DEPENDS "${runtime_package} (= ${PROJECT_VERSION})")
set(dev_needs "${runtime_package} (= ${PROJECT_VERSION})" "${json_package} (= ${PROJECT_VERSION})"
  libboost${boost_version}-dev libboost-json${boost_version}-dev libssl-dev zlib1g-dev)
if(COAX_ISAL_PACKAGE)
  list(APPEND dev_needs ${COAX_ISAL_PACKAGE}-dev)
endif()
list(JOIN dev_needs ", " CPACK_DEBIAN_DEV_PACKAGE_DEPENDS)

include(CPack)
