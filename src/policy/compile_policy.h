// What a compile step may use: the same for every program, whatever its run was granted.
#pragma once

#include "policy/policy.h"

namespace sandpit {

// No network, no path of the user's, no variable of the user's; the limits are those of
// [resource_limits] compile_*.
[[nodiscard]] Policy compile_policy(const Policy& run);
// For what a compiler needs once, whatever the program: whole standard libraries are compiled.
[[nodiscard]] Policy warm_policy(const Policy& run);

}  // namespace sandpit
