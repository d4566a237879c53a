#include "runtime/preload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/manifest.h"
#include "runtime/toml_reader.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"

namespace sandpit {

bool is_module_name(std::string_view name) {
  constexpr std::string_view kOthers = "_-./:@";
  return !name.empty() && name.front() != '-' && std::ranges::all_of(name, [&](unsigned char c) {
    return std::isalnum(c) != 0 || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

void read_preload(TomlReader& reader, const toml::table& preload,
                  std::optional<ManifestTemplate> warm, Manifest& manifest) {
  reader.check_keys(preload, {"modules", "env", "warm"});
  ManifestPreload made;
  reader.read(preload, "modules", made.modules);
  reader.read(preload, "env", made.env);
  for (const std::string& module : made.modules) {
    if (!is_module_name(module)) {
      reader.problem(place(preload, "modules"), fmt::format("'{}' is no module's name", module));
    }
  }
  const std::optional<ManifestTemplate>& loads = warm ? warm : manifest.warm;
  if (!manifest.warm || !loads || loads->prelude.empty()) {
    reader.problem(preload.source(), "'preload' needs 'warm.prelude', which is what loads modules");
  }
  made.warm = std::move(warm);
  manifest.preload = std::move(made);
}

const ManifestTemplate& template_for(const Manifest& manifest, const RuntimeSettings& mine) {
  const std::optional<ManifestPreload>& preload = manifest.preload;
  const bool any = preload && !(preload->modules.empty() && mine.preload.empty());
  return any && preload->warm ? *preload->warm : *manifest.warm;
}

Result<void> add_preload(const Manifest& manifest, const RuntimeSettings& mine, Step& run) {
  const std::string where = fmt::format("runtimes.{}.preload", manifest.id);
  if (!manifest.preload || !run.warm) {
    if (mine.preload.empty()) return {};
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("the runtime {} can't preload modules", manifest.id),
                 .where = where});
  }
  std::vector<std::string> modules = manifest.preload->modules;
  for (const std::string& module : mine.preload) {
    if (!is_module_name(module)) {
      return fail({.code = ErrorCode::kUsage,
                   .message = fmt::format("'{}' is no module's name", module),
                   .where = where,
                   .hint = "letters, digits and _ - . / : @ make one"});
    }
    if (std::ranges::find(modules, module) == modules.end()) modules.push_back(module);
  }
  if (modules.empty()) return {};
  run.warm->env.push_back(fmt::format("{}={}", kPreloadVariable, fmt::join(modules, ",")));
  for (const auto& [name, value] : manifest.preload->env)
    run.env.push_back(fmt::format("{}={}", name, value));
  return {};
}

}  // namespace sandpit
