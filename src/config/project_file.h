// The configuration file of a project directory. Only config/ includes it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "sandpit/error.h"

namespace sandpit::config {

inline constexpr std::array<std::string_view, 2> kProjectFileNames = {"sandbox.toml",
                                                                      "config/sandbox.toml"};

struct ProjectFile {
  std::string shown;      // as found from the directory that was given
  std::string canonical;  // the directory's canonical path and the name below it
  std::string text;
};

// "dir/name", without "./" before and with one slash between.
[[nodiscard]] std::string below(std::string_view directory, std::string_view name);

// The first that exists; nothing when none does. A first one that can't be read is an error, and is
// not passed over for the second.
[[nodiscard]] Result<std::optional<ProjectFile>> find_project_file(const std::string& directory);

}  // namespace sandpit::config
