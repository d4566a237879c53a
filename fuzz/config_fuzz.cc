// Fuzzes the configuration's parser and merge with one untrusted and one trusted layer of the same
// text.
//   clang++-19 -fsanitize=fuzzer,address,undefined … fuzz/config_fuzz.cc -lsp_config -lsp_base
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/builder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool trusted : {true, false}) {
    sandpit::ConfigBuilder builder;
    builder.add_layer({.name = "project",
                       .file = "fuzz.toml",
                       .directory = "/nonexistent",
                       .home = "/nonexistent",
                       .trusted = trusted},
                      text);
    const auto config = builder.build({});
    if (!config && config.error().message.empty()) __builtin_trap();
  }
  return 0;
}
