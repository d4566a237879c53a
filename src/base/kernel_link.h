// Paths that lead on by links which the kernel and the administrator lay, and no program that was
// granted a directory can: files named so by a user are opened with their links.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit {

[[nodiscard]] inline bool is_kernel_link(std::string_view path) {
  constexpr std::array<std::string_view, 3> kNames = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  return std::ranges::find(kNames, path) != kNames.end() || path.starts_with("/dev/fd/") ||
         path.starts_with("/proc/");
}

// kUsage, of another link in the place of a file to write. `path`: as it is to be shown.
[[nodiscard]] Error link_not_followed(std::string_view path);

}  // namespace sandpit
