// What the command line says for all tasks, under what a task says itself. Pure.
#pragma once

#include "sandpit/limits.h"
#include "sandpit/request.h"

namespace sandpit::batch {

// The task's own values win. They are two layers: where a limit of one contradicts one of the other
// (CPU time above the wall time, files above the memory) the lower one counts, as between layers of
// the configuration.
[[nodiscard]] LimitOverrides merge(const LimitOverrides& defaults, const LimitOverrides& own);

// Limits, runtime (when the task names none), paths, environment, network with its
// hosts, lint and whether to start cold.
void apply_defaults(Request& request, const Request& defaults);

}  // namespace sandpit::batch
