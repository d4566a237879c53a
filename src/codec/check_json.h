// What `sandpit check --json` prints of one file. codec/ lies below service/, so cli/ hands it the
// findings in words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "codec/wasm_description.h"

namespace sandpit {

struct CheckProblem {
  std::string severity;  // "error", "warning", "info"
  std::string message;
  std::string rule;   // of a finding of lint; else empty
  unsigned line = 0;  // from 1; 0: none
  unsigned column = 0;
  unsigned end_line = 0;
  unsigned end_column = 0;  // the one behind it
  std::string excerpt;      // of that line; printed for people only
  unsigned excerpt_column = 0;
};

struct FileCheck {
  std::string file;  // as the user named it
  bool ok = false;
  std::optional<WasmDescription> description;  // of a WebAssembly file that could be read
  std::vector<CheckProblem> problems;
};

// One line, with a newline at its end.
[[nodiscard]] std::string check_to_json(const FileCheck& check);

}  // namespace sandpit
