// The trusted side of the lint worker: one process for each question. Whatever it does (lie, hang,
// crash, grow) ends here as an Error or as an answer within bounds.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "lint/job.h"

namespace sandpit {

// `program`: the worker. It is killed when it has not answered in full after `patience`. Offsets in
// the answer are not yet checked: lint::is_plausible.
[[nodiscard]] Result<lint::LintAnswer> ask_lint_worker(const std::string& program,
                                                       const lint::LintJob& job,
                                                       std::chrono::milliseconds patience);

}  // namespace sandpit
