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

std::string origin_of(const Config& config, std::string_view key_prefix) {
  for (const ConfigEntry& entry : config.entries()) {
    if (entry.key.starts_with(key_prefix)) return entry.origin;
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
                .where = origin_of(config, key),
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
