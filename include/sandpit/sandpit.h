// Everything. Public.
#pragma once

#include "sandpit/config.h"   // IWYU pragma: export
#include "sandpit/error.h"    // IWYU pragma: export
#include "sandpit/limits.h"   // IWYU pragma: export
#include "sandpit/outcome.h"  // IWYU pragma: export
#include "sandpit/request.h"  // IWYU pragma: export
#include "sandpit/runtime.h"  // IWYU pragma: export
#include "sandpit/sandbox.h"  // IWYU pragma: export
#include "sandpit/units.h"    // IWYU pragma: export
