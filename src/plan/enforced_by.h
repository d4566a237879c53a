// Questions about a Plan's enforcement.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "plan/plan.h"

namespace sandpit {

[[nodiscard]] inline bool has_mechanism(const Enforcement& row, Mechanism mechanism) {
  return std::ranges::find(row.mechanisms, mechanism) != row.mechanisms.end();
}

[[nodiscard]] inline bool is_enforced_by(const std::vector<Enforcement>& rows,
                                         std::string_view limit, Mechanism mechanism) {
  return std::ranges::any_of(rows, [&](const Enforcement& row) {
    return row.limit == limit && has_mechanism(row, mechanism);
  });
}

}  // namespace sandpit
