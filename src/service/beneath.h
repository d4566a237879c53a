// Opens what a hostile tree holds: nothing in it is followed, and nothing is opened but plain files
// and directories beneath the directory that is given (openat2(2) RESOLVE_BENEATH, NO_SYMLINKS,
// NO_MAGICLINKS, NO_XDEV).
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit {

// Looks at the entry without opening it: opening a FIFO or a device has effects, a path descriptor
// has none. Invalid when it can't be had.
[[nodiscard]] UniqueFd look_beneath(int directory, const char* name, struct stat& status);

// For reading, after look_beneath said what it is; invalid when it is none any more.
[[nodiscard]] UniqueFd open_file_beneath(int directory, const char* name, struct stat& status);
[[nodiscard]] UniqueFd open_directory_beneath(int directory, const char* name);

// The names in an open directory, sorted, without "." and ".."; kRefused above `most`.
[[nodiscard]] Result<std::vector<std::string>> names_in(const UniqueFd& directory,
                                                        std::size_t most);

}  // namespace sandpit
