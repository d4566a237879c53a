// Limits from three layers: the configuration, a runtime's own table, the request. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandpit/error.h"
#include "sandpit/limits.h"

namespace sandpit {

struct MergedLimits {
  Limits limits;
  std::vector<std::string> warnings;  // what was lowered to fit
  std::vector<Error> problems;        // values that make no sense, contradictions within one layer
};

// A later layer wins. Where two limits of different layers contradict each other the lower one wins
// and it is said (CPU time above wall time; disk above half the memory, unless the request set the
// disk itself).
[[nodiscard]] MergedLimits merge_limits(const Limits& configured, const LimitOverrides& runtime,
                                        const LimitOverrides& request,
                                        std::string_view runtime_name);

// What a runtime needs, where the configuration leaves the built-in value.
void apply_runtime_defaults(Limits& configured, const LimitOverrides& defaults);

}  // namespace sandpit
