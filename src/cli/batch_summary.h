// What a batch did, in words. Pure.
#pragma once

#include <string>

#include "base/log.h"
#include "batch/tally.h"

namespace sandpit::cli {

// Counts, verdicts, and a table: for each status how many, and percentiles of time and memory.
[[nodiscard]] std::string batch_summary(const batch::Totals& totals, double seconds, Colour colour);

}  // namespace sandpit::cli
