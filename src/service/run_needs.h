// What a request will take of the host, before it is prepared: for who has many of them to start
// and wants to know which fit beside each other.
#pragma once

#include <string>

#include "sandpit/config.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {

struct RunNeeds {
  std::string runtime;  // empty: none fits, the run will be refused
  ByteCount memory;     // of the run, or of its compile step when that may take more
};

// Opens a SourceFile's beginning when its name does not tell the language. Never fails: what is
// wrong with the request is said by the run itself.
[[nodiscard]] RunNeeds needs_of(const Request& request, const Config& config,
                                const RuntimeRegistry& registry);

}  // namespace sandpit
