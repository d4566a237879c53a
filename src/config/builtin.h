// The built-in defaults and the profiles development, production and strict. Only config/ includes
// it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/setting.h"
#include "config/state.h"

namespace sandpit::config {

[[nodiscard]] State default_state();

[[nodiscard]] std::span<const std::string_view> builtin_profile_names();
// Empty for production's or any other name that sets nothing.
[[nodiscard]] std::vector<Setting> builtin_profile(std::string_view name);

}  // namespace sandpit::config
