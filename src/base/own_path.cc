#include "base/own_path.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#ifndef SANDPIT_LIBEXEC_DIR
#define SANDPIT_LIBEXEC_DIR "/usr/local/libexec/sandpit"
#endif

namespace sandpit {

std::vector<std::filesystem::path> own_directories() {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  std::error_code error;
  Dl_info info{};
  // NOLINTNEXTLINE(*-reinterpret-cast): dladdr(3) takes any address of the object
  if (::dladdr(reinterpret_cast<void*>(&own_directories), &info) != 0 &&
      info.dli_fname != nullptr) {
    files.push_back(fs::weakly_canonical(info.dli_fname, error));
  }
  files.push_back(fs::read_symlink("/proc/self/exe", error));
  std::vector<fs::path> directories;
  constexpr int kLevels = 5;
  for (const fs::path& file : files) {
    fs::path directory = file.parent_path();
    for (int level = 0; level < kLevels && directory.has_relative_path(); ++level) {
      directories.push_back(directory);
      directory = directory.parent_path();
    }
  }
  return directories;
}

std::string find_own_program(std::string_view name, const char* variable,
                             std::vector<std::string>* tried) {
  std::vector<std::string> candidates;
  if (const char* path = ::secure_getenv(variable)) candidates.emplace_back(path);
  for (const auto& directory : own_directories()) {
    candidates.push_back((directory / "libexec/sandpit" / name).string());
  }
  candidates.push_back(fmt::format("{}/{}", SANDPIT_LIBEXEC_DIR, name));
  for (const std::string& candidate : candidates) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  if (tried != nullptr) *tried = std::move(candidates);
  return {};
}

std::string find_own_directory(std::string_view name) {
  std::error_code error;
  for (const auto& directory : own_directories()) {
    const auto candidate = directory / "libexec/sandpit" / name;
    if (std::filesystem::is_directory(candidate, error)) return candidate.string();
  }
  std::string installed = fmt::format("{}/{}", SANDPIT_LIBEXEC_DIR, name);
  return std::filesystem::is_directory(installed, error) ? installed : std::string();
}

}  // namespace sandpit
