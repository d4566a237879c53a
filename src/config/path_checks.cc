#include "config/path_checks.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.h"
#include "config/setting.h"
#include "config/state.h"
#include "sandpit/request.h"

namespace sandpit::config {
namespace {

void report(const Setting& setting, Place place, const std::string& path, std::string_view what,
            Problems& problems) {
  problems.add(*setting.layer, place, fmt::format("{}: {}: {}", setting.key(), quote(path), what));
}

// What is wrong with the path, empty when nothing is.
std::string_view problem_of(const std::string& path, Kind kind) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return kind == Kind::kCacheDir && errno == ENOENT ? "" : ::strerrordesc_np(errno);
  }
  if ((kind == Kind::kHostDir || kind == Kind::kCacheDir) && !S_ISDIR(status.st_mode))
    return "not a directory";
  if (kind == Kind::kInterpreter && !S_ISREG(status.st_mode)) return "not a program";
  if (kind == Kind::kInterpreter && ::access(path.c_str(), X_OK) != 0) return "not executable";
  return {};
}

}  // namespace

void check_paths(const State& state, Problems& problems) {
  for (const auto& [key, setting] : state.map()) {
    if (setting.layer == nullptr) continue;
    const Kind kind = setting.spec->kind;
    if (kind == Kind::kGrants) {
      const auto& grants = std::get<std::vector<PathGrant>>(setting.value);
      for (std::size_t i = 0; i < grants.size(); ++i) {
        const std::string_view problem = problem_of(grants[i].host, kind);
        if (problem.empty()) continue;
        report(setting, setting.element_places[i], grants[i].host, problem, problems);
      }
    } else if (kind == Kind::kHostDir || kind == Kind::kCacheDir || kind == Kind::kInterpreter) {
      const auto& path = std::get<std::string>(setting.value);
      if (!path.contains('/')) continue;  // a name, looked up when a program needs it
      const std::string_view problem = problem_of(path, kind);
      if (!problem.empty()) report(setting, setting.place, path, problem, problems);
    }
  }
}

}  // namespace sandpit::config
