// The Outcome as JSON: what `sandpit run --json` prints. schema_version 1; fields are added, never
// renamed or removed. Byte strings that are not UTF-8 are base64, and
// `stdout_encoding`/`stderr_encoding` say so.
#pragma once

#include <string>

#include "sandpit/outcome.h"

namespace sandpit {

// One line, with a newline at its end.
[[nodiscard]] std::string outcome_to_json(const Outcome& outcome);

}  // namespace sandpit
