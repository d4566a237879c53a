// One limit by its key of [resource_limits], from a source that is no TOML file (a line of a
// batch). Anyone may use it; ranges, units and messages are those of the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "sandpit/limits.h"

namespace sandpit {

// 64, 1.5, "64MiB", "1.5s"; what else stands there (true, a list) by its name, for the message.
struct OtherValue {
  std::string what;
};
using LimitValue = std::variant<std::int64_t, double, std::string, OtherValue>;

// Error kUsage, its `where` "limits.KEY": no such key (with the nearest one), another type, out of
// range.
[[nodiscard]] Result<void> set_limit(LimitOverrides& limits, std::string_view key,
                                     const LimitValue& value);

}  // namespace sandpit
