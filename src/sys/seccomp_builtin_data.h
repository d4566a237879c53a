// What tools/profilegen generates from profiles/*.toml. For seccomp_builtin.cc only.
#pragma once

#include <span>
#include <string_view>

#include "sys/seccomp.h"

namespace sandpit::sys {

struct BuiltinProfileText {
  std::string_view name;
  std::string_view toml;
};
[[nodiscard]] std::span<const BuiltinProfile> builtin_profiles();
[[nodiscard]] std::span<const BuiltinProfileText> builtin_profile_texts();

}  // namespace sandpit::sys
