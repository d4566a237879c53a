// The Plan of a template: the jailed interpreter from which runs of the same shape are forked.
// Equal templates serve equal shapes: limits, arguments, inputs, system calls and Landlock rules
// are each run's own and not part of it.
#pragma once

#include <chrono>
#include <string>

#include "plan/plan.h"

namespace sandpit {

// `run` has a WarmStart. The result lacks the descriptors that a template is started with
// (engine/warm/run_image.h) and the prelude's text, which is its last mount, when there is one.
[[nodiscard]] Plan template_plan(const Plan& run);

// It can't be forked (the JVM): a process waits in a jail of its own and serves one run.
[[nodiscard]] bool serves_one_run(const WarmStart& warm);

// The Plan of a process that waits for one run of this kind: the run's own walls
// and limits, but for the time that passes before it is told what to run. The result lacks the
// descriptors that it is started with.
[[nodiscard]] Plan once_plan(const Plan& run);
// That time, at most, and what it may have used of the processor by then.
inline constexpr std::chrono::minutes kLongestLead{7};
inline constexpr std::chrono::seconds kLargestLead{10};

// Why this run can't come from a template although its runtime could; empty when it can.
[[nodiscard]] std::string reason_for_cold(const Plan& run);

// The NUL-terminated words of a run's record: its program's path, then the arguments.
[[nodiscard]] std::string run_record(const WarmStart& warm);

}  // namespace sandpit
