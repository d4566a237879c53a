# The static library of rust/ (Wasmtime behind our own C interface): target sandpit-rust, file SANDPIT_RUST_ARCHIVE. Where there
# is no Rust tool chain, SANDPIT_RUST_MISSING says why, and neither is defined.
set(SANDPIT_RUST_AT_LEAST 1.95)
find_program(SANDPIT_CARGO cargo HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
find_program(SANDPIT_RUSTC rustc HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
mark_as_advanced(SANDPIT_CARGO SANDPIT_RUSTC)
set(SANDPIT_RUST_MISSING "")
if(NOT SANDPIT_CARGO OR NOT SANDPIT_RUSTC)
  set(SANDPIT_RUST_MISSING "cargo and rustc were not found")
else()
  execute_process(COMMAND ${SANDPIT_RUSTC} --version OUTPUT_VARIABLE rustc_says ERROR_QUIET)
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" rustc_version "${rustc_says}")
  if(NOT rustc_version)
    set(SANDPIT_RUST_MISSING "rustc does not run")
  elseif(rustc_version VERSION_LESS SANDPIT_RUST_AT_LEAST)
    set(SANDPIT_RUST_MISSING "rustc ${SANDPIT_RUST_AT_LEAST} or newer is needed, not ${rustc_version}")
  endif()
endif()
if(SANDPIT_RUST_MISSING)
  # Looked for anew next time: rustup's come first, and Debian's would be remembered.
  unset(SANDPIT_CARGO CACHE)
  unset(SANDPIT_RUSTC CACHE)
  return()
endif()

# Outside the clone, so that a fresh clone finds the crates compiled.
if(NOT "$ENV{CARGO_TARGET_DIR}" STREQUAL "")
  set(rust_target_dir $ENV{CARGO_TARGET_DIR})
else()
  set(rust_target_dir ${SANDPIT_CACHE_DIR}/cargo)
endif()
set(SANDPIT_RUST_DIR ${PROJECT_SOURCE_DIR}/rust)
set(SANDPIT_RUST_ARCHIVE ${PROJECT_BINARY_DIR}/rust/libsandpit_rust.a)
file(GLOB rust_sources CONFIGURE_DEPENDS ${SANDPIT_RUST_DIR}/src/*.rs)
# Copied into the build tree: other clones share the target directory, and their archives replace one another.
add_custom_command(OUTPUT ${SANDPIT_RUST_ARCHIVE}
  COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${rust_target_dir} RUSTC=${SANDPIT_RUSTC}
    ${SANDPIT_CARGO} build --release --locked --quiet --manifest-path ${SANDPIT_RUST_DIR}/Cargo.toml
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/rust
  COMMAND ${CMAKE_COMMAND} -E copy ${rust_target_dir}/release/libsandpit_rust.a ${SANDPIT_RUST_ARCHIVE}
  DEPENDS ${rust_sources} ${SANDPIT_RUST_DIR}/Cargo.toml ${SANDPIT_RUST_DIR}/Cargo.lock
  COMMENT "Building Wasmtime (a few minutes the first time)" VERBATIM)
add_custom_target(sandpit-rust DEPENDS ${SANDPIT_RUST_ARCHIVE})

# sp_link_rust(TARGET): the archive, its header, and what it needs of the system.
function(sp_link_rust target)
  add_dependencies(${target} sandpit-rust)
  target_include_directories(${target} PRIVATE ${SANDPIT_RUST_DIR}/include)
  target_link_libraries(${target} PRIVATE ${SANDPIT_RUST_ARCHIVE} pthread dl m)
endfunction()
