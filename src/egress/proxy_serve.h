// The proxy from its start message to its end. For proxy_main.cc.
#pragma once

#include "base/result.h"

namespace sandpit::egress {

// Returns only when the start message is bad, or the process lacks something at the start;
// otherwise the process exits, with status 0, when the control socket hangs up.
[[nodiscard]] Result<void> serve(int control);

}  // namespace sandpit::egress
