// One runtime's own table of the configuration. Anyone above config/ may use it.
#pragma once

#include <string_view>

#include "sandpit/config.h"

namespace sandpit {

// [runtimes.NAME], or one where nothing is set. The reference is good as long as `settings` is.
[[nodiscard]] const RuntimeSettings& settings_for(const Settings& settings,
                                                  std::string_view runtime);

}  // namespace sandpit
