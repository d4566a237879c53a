// The values in effect as the public Settings and entries. Only config/ includes it.
#pragma once

#include <vector>

#include "config/state.h"
#include "sandpit/config.h"

namespace sandpit::config {

[[nodiscard]] Settings settings_of(const State& state);
[[nodiscard]] std::vector<ConfigEntry> entries_of(const State& state);

}  // namespace sandpit::config
