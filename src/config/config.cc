// Config: which files there are, and what each of them is.
#include "sandpit/config.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/builder.h"
#include "config/file.h"
#include "config/paths.h"
#include "config/project_file.h"
#include "config/trust.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

std::string directory_of(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  return config::canonical(directory).value_or(directory);
}

enum class Presence { kOptional, kRequired };

void add_file(ConfigBuilder& builder, std::string_view layer, const std::string& path,
              Presence presence) {
  Result<std::optional<config::ReadFile>> file = config::read_small_file(path);
  if (!file) return builder.add_problem(std::move(file).error());
  if (*file) {
    builder.add_layer({.name = std::string(layer),
                       .file = path,
                       .directory = directory_of(path),
                       .home = config::home_directory()},
                      (*file)->text);
  } else if (presence == Presence::kRequired) {
    builder.add_problem(
        Error{.code = ErrorCode::kUsage, .message = "no such file", .where = path, .hint = {}});
  }
}

// A broken record of trust makes nothing trusted, and does not stop what is not trusted from
// running.
TrustState trust_of(const config::ProjectFile& project, const ConfigSources& sources,
                    ConfigBuilder& builder) {
  const Result<TrustState> trust =
      look_up_trust(project.canonical, project.text, sources.trust_file);
  if (trust) return *trust;
  builder.add_warning(trust.error().to_string());
  return TrustState::kUnknown;
}

void add_project_file(ConfigBuilder& builder, const ConfigSources& sources) {
  Result<std::optional<config::ProjectFile>> project =
      config::find_project_file(sources.project_dir);
  if (!project) return builder.add_problem(std::move(project).error());
  if (!*project) return;
  const config::ProjectFile& file = **project;
  const TrustState trust = trust_of(file, sources, builder);
  builder.add_layer(
      {.name = "project",
       .file = file.shown,
       .directory = directory_of(file.canonical),
       .home = config::home_directory(),
       .trusted = trust == TrustState::kTrusted,
       .distrust = trust == TrustState::kChanged
                       ? "the file changed since it was trusted"
                       : "a project file that is found and not named can only tighten",
       .trust_dir = config::canonical(sources.project_dir.empty() ? "." : sources.project_dir)
                        .value_or(sources.project_dir)},
      file.text);
}

}  // namespace

Config Config::defaults() {
  ConfigBuilder builder;
  // Nothing that could be wrong is read: there is always a value.
  return builder.build("production").value();
}

Result<Config> Config::load(const ConfigSources& sources) {
  ConfigBuilder builder;
  if (!sources.system_file.empty()) {
    add_file(builder, "system", sources.system_file, Presence::kOptional);
  }
  const std::string user_file =
      sources.user_file.empty() ? config::default_user_file() : sources.user_file;
  if (!user_file.empty()) add_file(builder, "user", user_file, Presence::kOptional);
  if (sources.named_file) {
    add_file(builder, "project", *sources.named_file, Presence::kRequired);
  } else {
    add_project_file(builder, sources);
  }
  return builder.build(sources.profile);
}

}  // namespace sandpit
