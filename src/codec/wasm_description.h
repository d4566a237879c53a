// What the WebAssembly worker says of a module (`sandpit check`): read from its JSON. The worker is
// jailed and not trusted: anything may be in there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sandpit {

struct WasmDescription {
  struct Import {
    std::string module;
    std::string name;  // empty: all of the interface `module`, of a component
    std::string type;
    std::string capability;  // the setting that grants it; empty: none does
    bool granted = false;
  };
  struct Export {
    std::string name;
    std::string type;
  };
  struct Memory {
    std::uint64_t min_pages = 0;
    std::optional<std::uint64_t> max_pages;
    bool shared = false;
    bool memory64 = false;
  };
  struct Table {
    std::uint64_t min = 0;
    std::optional<std::uint64_t> max;
    std::string type;
  };
  std::string kind;  // "module", "component"
  std::vector<Import> imports;
  std::vector<Export> exports;
  std::vector<Memory> memories;
  std::vector<Table> tables;
  std::vector<std::string> features;  // that it uses
  std::optional<std::string> entry;   // what a run without --invoke calls
};

// Error kSandbox when it is no such JSON.
[[nodiscard]] Result<WasmDescription> parse_wasm_description(std::string_view json);

}  // namespace sandpit
