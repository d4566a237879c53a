// Opens what a Request names as standard input.
#pragma once

#include "base/result.h"
#include "sandpit/request.h"
#include "supervisor/supervisor.h"

namespace sandpit {

// StdinBytes become a memfd, StdinFile is opened (kUsage when it can't be, or is a directory),
// StdinDescriptor is duplicated. StdinEmpty and StdinStream give no descriptor.
[[nodiscard]] Result<RunInput> open_input(const Stdin& input);

}  // namespace sandpit
