# libexec/sandpit/wasm-worker: Wasmtime (rust/) behind src/engine/wasm/worker_*.cc. Without a Rust tool chain it is left out,
# and the runtime says so when a module is to be run.

# What tests/unit/wasm links; they skip where there is no worker.
add_library(sp_wasm INTERFACE)
target_link_libraries(sp_wasm INTERFACE sp_base)
target_compile_definitions(sp_wasm INTERFACE SANDPIT_WASM_WORKER="${PROJECT_BINARY_DIR}/libexec/sandpit/wasm-worker")

set(SANDPIT_RUST_AT_LEAST 1.95)
find_program(SANDPIT_CARGO cargo HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
find_program(SANDPIT_RUSTC rustc HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
mark_as_advanced(SANDPIT_CARGO SANDPIT_RUSTC)
set(wasm_missing "")
if(SANDPIT_SANITIZE)
  set(wasm_missing "sanitizers can't be linked statically")
elseif(NOT SANDPIT_CARGO OR NOT SANDPIT_RUSTC)
  set(wasm_missing "cargo and rustc were not found")
else()
  execute_process(COMMAND ${SANDPIT_RUSTC} --version OUTPUT_VARIABLE rustc_says ERROR_QUIET)
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" rustc_version "${rustc_says}")
  if(NOT rustc_version)
    set(wasm_missing "rustc does not run")
  elseif(rustc_version VERSION_LESS SANDPIT_RUST_AT_LEAST)
    set(wasm_missing "rustc ${SANDPIT_RUST_AT_LEAST} or newer is needed, not ${rustc_version}")
  endif()
endif()
if(wasm_missing)
  message(STATUS "WebAssembly is left out: ${wasm_missing}")
  return()
endif()

# Outside the clone, so that a fresh clone finds the crates compiled.
if(NOT "$ENV{CARGO_TARGET_DIR}" STREQUAL "")
  set(wasm_target_dir $ENV{CARGO_TARGET_DIR})
else()
  set(wasm_target_dir ${SANDPIT_CACHE_DIR}/cargo)
endif()
set(wasm_rust_dir ${PROJECT_SOURCE_DIR}/rust)
set(wasm_archive ${PROJECT_BINARY_DIR}/rust/libsandpit_rust.a)
file(GLOB wasm_rust_sources CONFIGURE_DEPENDS ${wasm_rust_dir}/src/*.rs)
# Copied into the build tree: other clones share the target directory, and their archives replace one another.
add_custom_command(OUTPUT ${wasm_archive}
  COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${wasm_target_dir} RUSTC=${SANDPIT_RUSTC}
    ${SANDPIT_CARGO} build --release --locked --quiet --manifest-path ${wasm_rust_dir}/Cargo.toml
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/rust
  COMMAND ${CMAKE_COMMAND} -E copy ${wasm_target_dir}/release/libsandpit_rust.a ${wasm_archive}
  DEPENDS ${wasm_rust_sources} ${wasm_rust_dir}/Cargo.toml ${wasm_rust_dir}/Cargo.lock
  COMMENT "Building Wasmtime (a few minutes the first time)" VERBATIM)
add_custom_target(wasm-rust DEPENDS ${wasm_archive})

file(GLOB wasm_worker_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/engine/wasm/worker_*.cc)
add_executable(wasm-worker ${wasm_worker_sources})
add_dependencies(wasm-worker wasm-rust)
target_include_directories(wasm-worker PRIVATE ${wasm_rust_dir}/include)
target_link_libraries(wasm-worker PRIVATE sp_base ${wasm_archive} pthread dl m)
set_target_properties(wasm-worker PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/sandpit)
# Static: its jail holds no library.
target_link_options(wasm-worker PRIVATE -static-pie -Wl,--gc-sections -Wl,--strip-debug
  -Wl,--wrap=dlsym # worker_dlsym.cc
  -Wl,-z,pack-relative-relocs) # 40,000 of them are applied at each start: 10 KB to read instead of 1 MB
add_dependencies(sp_wasm wasm-worker)
