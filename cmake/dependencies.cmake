# Debian's packages, wrapped as our own interface targets so that a module says what it uses.
# fmt, spdlog, Boost.JSON, Asio and Beast are used header-only: the library then carries no run-time dependency of theirs.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
find_path(BOOST_INCLUDE boost/json.hpp REQUIRED)
find_path(SPDLOG_INCLUDE spdlog/spdlog.h REQUIRED)
find_path(XXHASH_INCLUDE xxhash.h REQUIRED)

add_library(sp_fmt INTERFACE)
target_compile_definitions(sp_fmt INTERFACE FMT_HEADER_ONLY)
add_library(sp_spdlog INTERFACE)
target_compile_definitions(sp_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
target_link_libraries(sp_spdlog INTERFACE sp_fmt)
add_library(sp_tomlplusplus INTERFACE)
target_compile_definitions(sp_tomlplusplus INTERFACE TOML_EXCEPTIONS=0)
add_library(sp_cli11 INTERFACE)
add_library(sp_boost_json INTERFACE)
add_library(sp_boost_asio INTERFACE) # and Beast; of the egress proxy alone
target_compile_definitions(sp_boost_asio INTERFACE BOOST_ASIO_NO_DEPRECATED)
# Its fences are nothing that ThreadSanitizer sees: whoever builds the proxy for it knows.
target_compile_options(sp_boost_asio INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
# Used by build-time tools only (syscall names and numbers); nothing that ships links it.
add_library(sp_seccomp INTERFACE)
target_link_libraries(sp_seccomp INTERFACE PkgConfig::SECCOMP)
