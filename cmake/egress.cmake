# libexec/sandpit/egress-proxy: src/egress/proxy_*.cc over Boost.Asio and Beast. What the supervisor needs of it is sp_egress.
file(GLOB egress_proxy_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/egress/proxy_*.cc)
list(FILTER egress_proxy_sources EXCLUDE REGEX "/proxy_main\\.cc$")
add_library(sp_egress_proxy STATIC ${egress_proxy_sources})
target_link_libraries(sp_egress_proxy PUBLIC sp_egress sp_boost_asio)

add_executable(egress-proxy ${PROJECT_SOURCE_DIR}/src/egress/proxy_main.cc)
target_link_libraries(egress-proxy PRIVATE sp_egress_proxy)
set_target_properties(egress-proxy PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/sandpit)
if(SANDPIT_STATIC)
  # Static: its jail holds no library. /etc/hosts and DNS are part of glibc itself since 2.34, so that getaddrinfo(3) loads
  # nothing there; the linker warns of the other services of nsswitch.conf(5).
  target_link_options(egress-proxy PRIVATE -static-pie -Wl,--gc-sections -Wl,--strip-debug -Wl,-z,pack-relative-relocs
    -Wl,--no-warnings)
endif()
