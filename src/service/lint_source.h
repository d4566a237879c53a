// Lint of one source: is it text, and by the grammar of its language, does it want what its run
// does not have? Used by pipeline.cc. Advice: the jail is the boundary, and the level `warn` never
// stops a run.
#pragma once

#include <string>

#include "base/result.h"
#include "policy/policy.h"
#include "sandpit/config.h"
#include "sandpit/runtime.h"
#include "service/source_input.h"

namespace sandpit {

struct LintSubject {
  const Runtime& runtime;
  const RuntimeSettings& settings;
  const SourceInput& source;
  const Policy& policy;
  bool check = false;  // for `sandpit check`: takes its time, and tells what is only worth knowing
};

// At the level `deny` an Error kRefused for a finding above info, and when the source could not be
// looked at in full. At `warn` that is a finding of its own, with severity info.
[[nodiscard]] Result<LintReport> lint_source(const LintSubject& subject);

// The rule of the finding that says that a source was not looked at in full.
inline constexpr const char* kLintIncomplete = "lint-incomplete";

// The worker's program; empty when it was not built.
[[nodiscard]] std::string find_lint_worker();
// Why there is none, and what mends it.
inline constexpr const char* kNoLintWorker =
    "lint-worker was not built, so that lint looks at bytes only; install Rust 1.95 or newer "
    "(https://rustup.rs) and build again";

}  // namespace sandpit
