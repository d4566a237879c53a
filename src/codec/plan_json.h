// The Plan as JSON, for `sandpit run --explain` and golden files: complete but for the bytes of the
// filter, indented. Names and arguments that are not UTF-8 are shown with U+FFFD, and exactly in a
// `<key>_base64` beside it.
#pragma once

#include <cstdint>
#include <string>

#include "plan/plan.h"

namespace sandpit {

enum class FilterDetail : std::uint8_t {
  kCount,        // profile name and number of instructions
  kDisassembly,  // and every instruction
};

[[nodiscard]] std::string plan_to_json(const Plan& plan,
                                       FilterDetail detail = FilterDetail::kCount);

// The run's plan with the compile step's under "compile".
[[nodiscard]] std::string plans_to_json(const Plan& run, const Plan& compile);

}  // namespace sandpit
