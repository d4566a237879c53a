// The line of the source under a finding, with a caret: as compilers show it. Pure.
#pragma once

#include <string>

#include "base/log.h"
#include "codec/check_json.h"

namespace sandpit::cli {

// Two lines, fit for a terminal; empty when the problem has no excerpt.
[[nodiscard]] std::string excerpt_text(const CheckProblem& problem, Colour colour);

}  // namespace sandpit::cli
