// `sandpit runtimes test`. For runtimes_command.cc.
#pragma once

#include <vector>

#include "base/log.h"
#include "sandpit/config.h"
#include "sandpit/runtime.h"

namespace sandpit::cli {

// Prints a table, or with `json` a line for each runtime as it is done. Answers the exit status: 1
// when a program misbehaved.
[[nodiscard]] int test_runtimes(const Config& config, const RuntimeRegistry& registry,
                                const std::vector<const Runtime*>& runtimes, bool json, Log& log);

}  // namespace sandpit::cli
