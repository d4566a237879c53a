// The configuration names runtimes that only the registry knows: checked where both are at hand.
#pragma once

#include "base/result.h"
#include "sandpit/config.h"
#include "sandpit/runtime.h"

namespace sandpit {

// kUsage with every [runtimes.NAME] and every value of [runtimes.extensions] that is no runtime,
// each with file:line and the nearest name.
[[nodiscard]] Result<void> check_runtime_names(const Config& config,
                                               const RuntimeRegistry& registry);

}  // namespace sandpit
