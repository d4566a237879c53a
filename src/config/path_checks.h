// Do the host paths in effect exist? Only config/ includes it.
#pragma once

#include "config/setting.h"
#include "config/state.h"

namespace sandpit::config {

// Of values written in files; a value that another layer overrides is not looked at.
void check_paths(const State& state, Problems& problems);

}  // namespace sandpit::config
