// The programs that every runtime must behave well with: `runtimes/<id>/hello.<ext>` and
// `runtimes/<id>/tests/<case>.<ext>`, one program for each case. docs/runtimes.md lists the cases.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {

struct CaseResult {
  std::string name;  // "hello", "stdin" …
  enum class Verdict : std::uint8_t { kPassed, kFailed, kNoProgram } verdict = Verdict::kNoProgram;
  std::string why;  // it failed
  Microseconds run_time{0};
  Microseconds compile_time{0};
  ByteCount peak_memory;
};

// "hello", "stdin" …, in the order in which they are run.
[[nodiscard]] const std::vector<std::string_view>& conformance_cases();

// The program for a case, beside the manifest or, of a runtime that has none, below `directories`;
// empty when there is none.
[[nodiscard]] std::string conformance_program(const RuntimeInfo& runtime,
                                              const std::vector<std::string>& directories,
                                              std::string_view name);

using RunRequest = std::function<Result<Outcome>(const Request&)>;
[[nodiscard]] CaseResult run_case(const RuntimeInfo& runtime,
                                  const std::vector<std::string>& directories,
                                  std::string_view name, const RunRequest& run);

}  // namespace sandpit
