# libexec/sandpit/wasm-worker: Wasmtime (rust/) behind src/engine/wasm/worker_*.cc. Without a Rust tool chain it is left out,
# and the runtime says so when a module is to be run.

# What tests/unit/wasm links; they skip where there is no worker.
add_library(sp_wasm INTERFACE)
target_link_libraries(sp_wasm INTERFACE sp_base)
target_compile_definitions(sp_wasm INTERFACE SANDPIT_WASM_WORKER="${PROJECT_BINARY_DIR}/libexec/sandpit/wasm-worker")

set(wasm_missing "${SANDPIT_RUST_MISSING}")
if(SANDPIT_SANITIZE)
  set(wasm_missing "sanitizers can't be linked statically")
endif()
if(wasm_missing)
  message(STATUS "WebAssembly is left out: ${wasm_missing}")
  return()
endif()

file(GLOB wasm_worker_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/engine/wasm/worker_*.cc)
add_executable(wasm-worker ${wasm_worker_sources})
target_link_libraries(wasm-worker PRIVATE sp_base)
sp_link_rust(wasm-worker)
set_target_properties(wasm-worker PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/sandpit)
# Static: its jail holds no library.
target_link_options(wasm-worker PRIVATE -static-pie -Wl,--gc-sections -Wl,--strip-debug
  -Wl,--wrap=dlsym # worker_dlsym.cc
  -Wl,-z,pack-relative-relocs) # 40,000 of them are applied at each start: 10 KB to read instead of 1 MB
add_dependencies(sp_wasm wasm-worker)
