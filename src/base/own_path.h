// Where this code lies on disk: installed trees and build trees find their other parts relative to
// it, so that they may be moved.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {

// The directories, nearest first, that hold the library or program in which this function is, then
// the running program: each with its parents, five levels of them.
[[nodiscard]] std::vector<std::filesystem::path> own_directories();

// A program of ours in libexec/sandpit/: `$VARIABLE`, else beside the library or program, else the
// install prefix. Empty when it is nowhere, and then `tried` has every place that was looked at.
[[nodiscard]] std::string find_own_program(std::string_view name, const char* variable,
                                           std::vector<std::string>* tried = nullptr);

// A directory of ours in libexec/sandpit/, looked for in the same places; empty when it is nowhere.
[[nodiscard]] std::string find_own_directory(std::string_view name);

}  // namespace sandpit
