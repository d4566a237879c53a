// Path grants: from what the user wrote to canonical host paths and safe places inside. Reads the
// file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandpit/error.h"
#include "sandpit/request.h"

namespace sandpit {

struct ResolvedGrants {
  std::vector<PathGrant>
      paths;  // sorted by `inside`, so that a parent comes before what lies in it
  std::vector<std::string> order;  // their `inside`, in the order in which they were granted
  std::vector<std::string> warnings;
  std::vector<Error> problems;
};

// What lies in the jail's root anyway: a host's /usr, or nothing (Step::bare_root).
enum class JailRoot : std::uint8_t { kSystem, kBare };

// `grants` in the order of their layers: of two for the same place the later one wins.
[[nodiscard]] ResolvedGrants resolve_grants(const std::vector<PathGrant>& grants,
                                            std::string_view working_dir,
                                            JailRoot root = JailRoot::kSystem);

// One package directory: an existing directory, canonical.
[[nodiscard]] Result<std::string> resolve_directory(const std::string& path,
                                                    std::string_view where);

// Empty, or a warning: a unix socket in a granted directory can be connected to, whatever the
// mount's flags.
[[nodiscard]] std::string socket_warning(const PathGrant& grant);

}  // namespace sandpit
