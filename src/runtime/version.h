// Asks an interpreter for its version, outside the jail: it is the host's own, and runs no user
// code. Used by ManifestRuntime.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandpit/units.h"

namespace sandpit {

// What the command printed on stdout and stderr, at most 4 KiB. Empty when it can't be started, or
// is not done within `timeout` (it is then killed). Environment: PATH, LANG=C and HOME=/ only.
[[nodiscard]] std::string output_of(const std::vector<std::string>& argv, Milliseconds timeout);

// The word after the first `after` in `output`; empty when there is none.
[[nodiscard]] std::string version_in(std::string_view output, std::string_view after);

}  // namespace sandpit
