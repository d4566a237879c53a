// default_runtime_directories(): where manifests lie on this machine.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/own_path.h"
#include "service/pipeline.h"

namespace sandpit {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): we never call setenv
  return value != nullptr ? value : "";
}

// The prefix that the library or program is installed in, or the source tree that it was built in.
std::string beside_us() {
  std::error_code error;
  for (const fs::path& directory : own_directories()) {
    const fs::path installed = directory / "share/sandpit/runtimes";
    if (fs::is_directory(installed, error)) return installed.string();
    // The header marks our tree: any other directory named runtimes is not ours.
    if (fs::exists(directory / "include/sandpit/runtime.h", error) &&
        fs::is_directory(directory / "runtimes", error)) {
      return (directory / "runtimes").string();
    }
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
  if (first.empty()) first = beside_us();
#ifdef SANDPIT_INSTALL_RUNTIMES_DIR
  if (first.empty()) first = SANDPIT_INSTALL_RUNTIMES_DIR;
#endif
  add(std::move(first));
  add("/etc/sandpit/runtimes");
  add(user_directory());
  return directories;
}

}  // namespace sandpit
