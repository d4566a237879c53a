// default_runtime_directories(): where manifests lie on this machine.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "service/pipeline.h"

namespace sandpit {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): we never call setenv
  return value != nullptr ? value : "";
}

// The source tree that this program was built in (build/<preset>/… below it), or the prefix that it
// is installed in.
std::string beside_this_program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path installed = program.parent_path().parent_path() / "share/sandpit/runtimes";
  if (fs::is_directory(installed, error)) return installed.string();
  constexpr int kMostLevels = 4;
  fs::path directory = program.parent_path().parent_path();
  for (int level = 0; level < kMostLevels && directory.has_relative_path(); ++level) {
    directory = directory.parent_path();
    // The header marks our tree: any other directory named runtimes is not ours.
    if (fs::exists(directory / "include/sandpit/runtime.h", error))
      return (directory / "runtimes").string();
  }
  return {};
}

std::string user_directory() {
  const std::string config = variable("XDG_CONFIG_HOME");
  if (config.starts_with('/')) return config + "/sandpit/runtimes";
  const std::string home = variable("HOME");
  return home.starts_with('/') ? home + "/.config/sandpit/runtimes" : std::string();
}

}  // namespace

std::vector<std::string> default_runtime_directories() {
  std::vector<std::string> directories;
  const auto add = [&](std::string directory) {
    if (!directory.empty()) directories.push_back(std::move(directory));
  };
  std::string first = variable("SANDPIT_RUNTIMES_DIR");
  if (first.empty()) first = beside_this_program();
#ifdef SANDPIT_INSTALL_RUNTIMES_DIR
  if (first.empty()) first = SANDPIT_INSTALL_RUNTIMES_DIR;
#endif
  add(std::move(first));
  add("/etc/sandpit/runtimes");
  add(user_directory());
  return directories;
}

}  // namespace sandpit
