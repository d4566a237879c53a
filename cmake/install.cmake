# make install PREFIX=…: programs, library, headers, data, page and completions.
# Everything finds the rest relative to itself, so the tree may be moved as a whole.
include(CMakePackageConfigHelpers)
include(${CMAKE_CURRENT_LIST_DIR}/library.cmake)

if(TARGET sandpit)
  install(TARGETS sandpit RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET sandpit-launcher)
  install(TARGETS sandpit-launcher RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit)
endif()
if(TARGET wasm-worker)
  install(TARGETS wasm-worker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit)
endif()
if(TARGET lint-worker)
  install(TARGETS lint-worker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit)
endif()
if(TARGET egress-proxy)
  install(TARGETS egress-proxy RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit)
endif()
if(TARGET sandpit_warm)
  install(TARGETS sandpit_warm LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit)
  install(TARGETS warm-init RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit)
endif()
install(TARGETS sandpit_lib EXPORT sandpit-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT development)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sandpit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtimes DESTINATION ${CMAKE_INSTALL_DATADIR}/sandpit)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/profiles
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sandpit FILES_MATCHING PATTERN "*.toml")
# OPTIONAL: a page that isn't written yet must not stop an install.
install(FILES ${PROJECT_SOURCE_DIR}/docs/sandpit.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES ${PROJECT_SOURCE_DIR}/docs/completions/sandpit.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sandpit OPTIONAL)
install(FILES ${PROJECT_SOURCE_DIR}/docs/completions/_sandpit
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions OPTIONAL)
install(FILES ${PROJECT_SOURCE_DIR}/docs/completions/sandpit.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d OPTIONAL)

set(sandpit_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sandpit)
install(EXPORT sandpit-targets NAMESPACE sandpit:: DESTINATION ${sandpit_cmake_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sandpit-config.cmake.in
  ${PROJECT_BINARY_DIR}/package/sandpit-config.cmake INSTALL_DESTINATION ${sandpit_cmake_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/sandpit-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/sandpit-config.cmake
  ${PROJECT_BINARY_DIR}/package/sandpit-config-version.cmake DESTINATION ${sandpit_cmake_dir})

# The prefix of a .pc file is found from where the file lies: pcfiledir is <prefix>/<libdir>/pkgconfig.
file(RELATIVE_PATH sandpit_pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" sandpit_pc_to_prefix "${sandpit_pc_to_prefix}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/sandpit.pc.in ${PROJECT_BINARY_DIR}/package/sandpit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/sandpit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# What a user runs or installs, without tests and benchmarks: `make run` builds no more than this.
add_custom_target(ship DEPENDS sandpit_lib)
foreach(program sandpit sandpit-launcher wasm-worker lint-worker egress-proxy sandpit_warm warm-init attest_programs)
  if(TARGET ${program})
    add_dependencies(ship ${program})
  endif()
endforeach()
