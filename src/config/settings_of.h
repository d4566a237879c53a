// The values in effect as the public Settings and entries. Only config/ includes it.
#pragma once

#include <vector>

#include "config/setting.h"
#include "config/state.h"
#include "sandpit/config.h"
#include "sandpit/limits.h"

namespace sandpit::config {

[[nodiscard]] Settings settings_of(const State& state);
[[nodiscard]] std::vector<ConfigEntry> entries_of(const State& state);
// Of a setting in [resource_limits].
void set_limit_of(LimitOverrides& limits, const Setting& setting);

}  // namespace sandpit::config
