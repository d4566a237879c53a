# libexec/sandpit/lint-worker: tree-sitter and its grammars (rust/lint/) behind src/lint/worker_main.cc. Without a Rust tool chain
# it is left out: lint then looks at bytes only, and `sandpit check` says so. rust.cmake has looked for the tool chain.
set(lint_missing "${SANDPIT_RUST_MISSING}")
if(SANDPIT_SANITIZE)
  set(lint_missing "sanitizers can't be linked statically")
endif()
if(lint_missing)
  message(STATUS "lint by grammars is left out: ${lint_missing}")
  return()
endif()

set(lint_dir ${PROJECT_SOURCE_DIR}/rust/lint)
set(lint_archive ${PROJECT_BINARY_DIR}/rust/libsandpit_lint.a)
file(GLOB lint_rust_sources CONFIGURE_DEPENDS ${lint_dir}/src/*.rs)
add_custom_command(OUTPUT ${lint_archive}
  COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${rust_target_dir} RUSTC=${SANDPIT_RUSTC}
    ${SANDPIT_CARGO} build --release --locked --quiet --manifest-path ${lint_dir}/Cargo.toml
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/rust
  COMMAND ${CMAKE_COMMAND} -E copy ${rust_target_dir}/release/libsandpit_lint.a ${lint_archive}
  DEPENDS ${lint_rust_sources} ${lint_dir}/Cargo.toml ${lint_dir}/Cargo.lock
  COMMENT "Building the grammars of lint (half a minute the first time)" VERBATIM)
add_custom_target(sandpit-lint-rust DEPENDS ${lint_archive})

file(GLOB lint_worker_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/lint/worker_*.cc)
add_executable(lint-worker ${lint_worker_sources})
add_dependencies(lint-worker sandpit-lint-rust)
target_include_directories(lint-worker PRIVATE ${lint_dir}/include)
target_link_libraries(lint-worker PRIVATE sp_lint ${lint_archive} pthread dl m)
set_target_properties(lint-worker PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/sandpit)
# Static: started often, and once it is locked in it can open no library.
target_link_options(lint-worker PRIVATE -static-pie -Wl,--gc-sections -Wl,--strip-debug -Wl,-z,pack-relative-relocs)
