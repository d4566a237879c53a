// Copies what a program made in its work directory to a directory of the host. The tree is hostile:
// nothing in it is followed or opened but plain files and directories, beneath the work directory
// (openat2 RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"

namespace sandpit {

struct CopyReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> skipped;  // "name: why", at most a dozen
  std::uint64_t skipped_count = 0;
};

// `volume` is the private volume, `inputs` are not copied back, `to` is a directory. Existing plain
// files of the same name are replaced; a symlink in their place is not followed. kSystem when the
// destination can't be written (disk full names the file).
[[nodiscard]] Result<CopyReport> copy_out(const UniqueFd& volume,
                                          const std::vector<InputFile>& inputs, const UniqueFd& to);

// The same, telling what went wrong or was left out among the Outcome's warnings.
void add_copied_out(const UniqueFd& volume, const std::vector<InputFile>& inputs,
                    const UniqueFd& to, Outcome& outcome);

}  // namespace sandpit
