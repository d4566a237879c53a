// Where this code lies on disk: installed trees and build trees find their other parts relative to
// it, so that they may be moved.
#pragma once

#include <filesystem>
#include <vector>

namespace sandpit {

// The directories, nearest first, that hold the library or program in which this function is, then
// the running program: each with its parents, five levels of them.
[[nodiscard]] std::vector<std::filesystem::path> own_directories();

}  // namespace sandpit
