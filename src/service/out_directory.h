// Opens the directory that `--out` names. A run that could write to a directory above it may have
// laid a link there, or lay one any moment, so that the copies would go where that run wants.
// Nobody but the user knows which links are theirs: none is followed, save those that lie in "/"
// itself (/home -> /data/home), which no run can be given.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit {

// The last component is made when it is missing. Called before the run, so that nothing is run
// whose results would have no place to go. kRefused when a link is in the way, or the place can't
// be had.
[[nodiscard]] Result<UniqueFd> open_out_directory(const std::string& path);

}  // namespace sandpit
