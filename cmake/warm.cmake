# What templates of interpreters are made of (src/engine/warm/run_image.h): libexec/sandpit/libsandpit_warm.so, preloaded into them,
# and libexec/sandpit/warm-init, pid 1 of the jails that are forked from them.
if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  message(STATUS "warm starts are left out: warm-init is written for x86_64")
  return()
endif()

if(SANDPIT_SANITIZE)
  message(STATUS "warm starts are left out: what is preloaded into an interpreter can't bring a sanitizer along")
  return()
endif()

set(warm_dir ${PROJECT_SOURCE_DIR}/src/engine)
set(warm_options -O2 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-stack-protector -U_FORTIFY_SOURCE -fno-sanitize=all)
set(warm_sources
  ${warm_dir}/warm/library.cc ${warm_dir}/warm/library_fork.cc ${warm_dir}/warm/library_runtime.cc
  ${warm_dir}/warm/library_threads.cc ${warm_dir}/warm/library_exit.cc ${warm_dir}/warm/library_memory.cc ${warm_dir}/warm/library_descriptors.cc
  ${warm_dir}/warm/library_once.cc ${warm_dir}/warm/library_java.cc ${warm_dir}/warm/relocate.cc
  ${warm_dir}/jail/child_messages.cc ${warm_dir}/jail/child_mounts.cc ${warm_dir}/jail/child_steps.cc ${warm_dir}/jail/child_walls.cc
  ${PROJECT_SOURCE_DIR}/src/sys/landlock.cc)
# Of the files, so that they come after those of sp_options.
set_source_files_properties(${warm_sources} PROPERTIES COMPILE_OPTIONS "${warm_options}")
set_source_files_properties(${warm_dir}/warm/init_main.cc PROPERTIES COMPILE_OPTIONS
  "${warm_options};-fno-pie;-fcf-protection=none;-fno-builtin;-fno-asynchronous-unwind-tables;-fno-stack-clash-protection")
add_library(sandpit_warm MODULE ${warm_sources})
target_link_libraries(sandpit_warm PRIVATE sp_options)
# Nothing of the C++ library: it would have to be in every jail, in the interpreter's version.
target_link_options(sandpit_warm PRIVATE -Wl,--no-undefined -Wl,--gc-sections -Wl,-z,now)
target_link_libraries(sandpit_warm PRIVATE gcc_eh gcc c dl)
set_target_properties(sandpit_warm PROPERTIES LINKER_LANGUAGE C LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/sandpit)

add_executable(warm-init ${warm_dir}/warm/init_main.cc)
target_link_libraries(warm-init PRIVATE sp_options)
target_link_options(warm-init PRIVATE -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro)
set_target_properties(warm-init PROPERTIES POSITION_INDEPENDENT_CODE OFF RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/sandpit)
