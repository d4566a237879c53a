#include "base/own_path.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>
#include <vector>

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

}  // namespace sandpit
