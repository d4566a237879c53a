// Values that can't both hold, such as a CPU time above the wall time. Only config/ includes it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/setting.h"
#include "config/state.h"

namespace sandpit::config {

// Of one table: contradictions are errors.
void report_contradictions(std::span<const Setting> table, const Layer& layer, Problems& problems);
// Of [security], or of one runtime's tables: the network is given once, whatever the key.
void report_two_networks(std::span<const Setting> table, const Layer& layer, Problems& problems);
// Of [runtimes.wasm], with what is below it.
void report_wasm_contradictions(std::span<const Setting> table, const Layer& layer,
                                Problems& problems);

// Across layers: the lower value wins, and a warning says so; a WebAssembly feature goes off with
// the one it builds on. Also fills in max_disk_mb where no layer sets it.
void reconcile(State& state, std::vector<std::string>& warnings);

}  // namespace sandpit::config
