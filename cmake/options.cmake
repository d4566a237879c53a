option(SANDPIT_BUILD_TESTS "build the tests" ON)
option(SANDPIT_BUILD_BENCH "build the benchmarks" ON)
option(SANDPIT_STATIC "link the command line and the launcher as static-pie (no dynamic loader at start)" ON)
set(SANDPIT_SANITIZE "" CACHE STRING "comma-separated sanitizers: address,undefined or thread")

include(${CMAKE_CURRENT_LIST_DIR}/cache.cmake)

add_library(sp_options INTERFACE)
target_include_directories(sp_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(sp_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> # GCC 12 false positive, PR105651
  -fvisibility=hidden -fvisibility-inlines-hidden
  # Messages and debug information name files relative to the clone, so that clones share the compiler cache.
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
option(SANDPIT_WERROR "warnings are errors" ON)
if(SANDPIT_WERROR)
  target_compile_options(sp_options INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(sp_options INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
    -ffunction-sections -fdata-sections $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
  target_link_options(sp_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Sanitize")
  # Line tables for the reports, and no optimiser: at -O1 the instrumented code takes GCC two to three times as long.
  target_compile_options(sp_options INTERFACE -O0 -g1 -D_GLIBCXX_ASSERTIONS)
endif()
if(SANDPIT_SANITIZE)
  # Sanitizer runtimes can't be linked statically into a static-pie.
  set(SANDPIT_STATIC OFF)
  # The asan test preset's clear_shadow_mmap_threshold: a jail's init calls vfork below RLIMIT_DATA, where ASan would map shadow
  # anew and die of ENOMEM ("killed from outside", ordinary users only); above the threshold it clears the shadow in place.
  # Where the test presets let the sanitizers write (log_path): the launcher has no standard error. Other users write as well.
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/reports)
  file(CHMOD ${PROJECT_BINARY_DIR}/reports PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_WRITE GROUP_EXECUTE WORLD_READ WORLD_WRITE WORLD_EXECUTE)
  # GCC 12 sees uninitialised values in its own instrumentation.
  target_compile_options(sp_options INTERFACE -Wno-maybe-uninitialized
    -fsanitize=${SANDPIT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sp_options INTERFACE -fsanitize=${SANDPIT_SANITIZE})
endif()

# sp_module(name DEPENDS …): a static library of src/<name>/*.cc, linked by its name sp_<name>.
function(sp_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  foreach(pattern ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  add_library(sp_${name} STATIC ${sources})
  target_link_libraries(sp_${name} PUBLIC sp_options ${ARG_DEPENDS})
endfunction()
