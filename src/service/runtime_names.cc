#include "service/runtime_names.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/suggest.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

// Its settings are accepted by a build that lacks its worker, too.
constexpr std::string_view kWasm = "wasm";

// Of the key itself, or of what its table holds.
std::string place_of(const Config& config, const std::string& key) {
  for (const ConfigEntry& entry : config.entries()) {
    if (entry.key == key || entry.key.starts_with(key + ".")) return entry.where;
  }
  return {};
}

}  // namespace

Result<void> check_runtime_names(const Config& config, const RuntimeRegistry& registry) {
  std::vector<std::string_view> known;
  for (const Runtime* runtime : registry.all()) known.push_back(runtime->name());
  if (registry.find(kWasm) == nullptr) known.push_back(kWasm);
  std::optional<Error> first;
  const auto check = [&](std::string_view name, const std::string& key) {
    if (name == kWasm || registry.find(name) != nullptr) return;
    Error error{.code = ErrorCode::kUsage,
                .message = fmt::format("{}: no runtime \"{}\"", key, name),
                .where = place_of(config, key),
                .hint = suggestion(name, known)};
    if (first) {
      first->others.push_back(std::move(error));
    } else {
      first = std::move(error);
    }
  };
  for (const auto& [name, settings] : config.settings().runtimes) {
    check(name, fmt::format("runtimes.{}", name));
  }
  for (const auto& [extension, name] : config.settings().extensions) {
    check(name, fmt::format("runtimes.extensions.{}", extension));
  }
  if (first) return fail(std::move(*first));
  return {};
}

}  // namespace sandpit
