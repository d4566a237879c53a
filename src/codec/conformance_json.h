// What `sandpit runtimes test --json` prints: an object for each runtime, a line each. codec/ lies
// below service/, so cli/ hands it the results in words.
#pragma once

#include <string>
#include <vector>

#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {

struct TestedCase {
  std::string name;
  std::string verdict;  // "passed", "failed", "no_program"
  std::string why;
  Microseconds run_time{0};
  Microseconds compile_time{0};
  ByteCount peak_memory;
};

struct TestedRuntime {
  RuntimeInfo info;
  std::vector<TestedCase> cases;  // empty: not installed
};

// One line, with a newline at its end.
[[nodiscard]] std::string tested_to_json(const TestedRuntime& tested);

}  // namespace sandpit
