// Request -> Runtime -> lint -> Policy -> Plan: everything before the kernel is involved. Used by
// the library (Sandbox, which then sends the Plan to the launcher) and by the command line (which
// runs it in its own process).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "service/compile_step.h"

namespace sandpit {

// A Plan with what travels beside it.
struct Prepared {
  Plan plan;
  std::vector<UniqueFd> inputs;            // one per plan.inputs, positioned at 0
  std::optional<PreparedCompile> compile;  // to be done first; the plan then lacks its result
  LintReport lint;                         // findings, for the caller to show (level warn)
  std::string source_display;              // the file as the user named it, for messages
};

// Opens and checks the source, picks the runtime, lints, resolves the policy, builds the plan.
// Errors carry the code that decides the exit status (kUsage, kNoRuntime, kRefused).
[[nodiscard]] Result<Prepared> prepare(const Request& request, const Config& config,
                                       const RuntimeRegistry& registry, const HostFacts& facts);

// The runtime directories in the order in which they are read: installed (or the source tree's),
// system, user.
[[nodiscard]] std::vector<std::string> default_runtime_directories();

}  // namespace sandpit
