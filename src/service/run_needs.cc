#include "service/run_needs.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>

#include "plan/egress_proxy.h"
#include "policy/limits_merge.h"
#include "runtime/settings_for.h"
#include "sandpit/config.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"
#include "service/source_input.h"

namespace sandpit {
namespace {

constexpr std::size_t kHeadBytes = 4096;

const Runtime* runtime_of(const Request& request, const Settings& settings,
                          const RuntimeRegistry& registry) {
  if (!request.runtime.empty()) return registry.find(request.runtime);
  std::string name;
  std::string head;
  if (const auto* text = std::get_if<SourceText>(&request.source)) {
    name = text->name;
    head = text->text.substr(0, kHeadBytes);
  } else if (const auto* file = std::get_if<SourceFile>(&request.source)) {
    name = request.entry.empty() ? file->path : request.entry;
    name.erase(0, name.rfind('/') + 1);
    if (auto found = registry.for_source(name, {}, settings)) return *found;
    const auto opened = open_source_file(*file);
    if (!opened) return nullptr;
    head = read_beginning(*opened, kHeadBytes).value_or("");
  }
  const auto found = registry.for_source(name, head, settings);
  return found ? *found : nullptr;
}

// Its network is a list of hosts.
bool has_proxy(const Request& request, const SecuritySettings& general,
               const SecurityOverrides& own) {
  if (!request.hosts.empty()) return true;
  const NetworkMode configured = own.network.value_or(general.network);
  return request.network.value_or(configured) == NetworkMode::kAllow;
}

}  // namespace

RunNeeds needs_of(const Request& request, const Config& config, const RuntimeRegistry& registry) {
  const Settings& settings = config.settings();
  const Runtime* const runtime = runtime_of(request, settings, registry);
  Limits limits = settings.limits;
  if (runtime == nullptr) {
    return {.runtime = {}, .memory = request.limits.memory.value_or(limits.memory)};
  }
  apply_runtime_defaults(limits, runtime->default_limits());
  const RuntimeSettings& own = settings_for(settings, runtime->name());
  limits = merge_limits(limits, own.limits, request.limits, runtime->name()).limits;
  // The two steps follow each other, so that the larger one is what counts.
  const bool compiles = !runtime->info(own, Runtime::Probe::kPathOnly).compile_profile.empty();
  ByteCount memory = compiles ? std::max(limits.memory, limits.compile_memory) : limits.memory;
  if (has_proxy(request, settings.security, own.security)) {
    memory = ByteCount::bytes(memory.count() + kEgressProxyMemory.count());
  }
  return {.runtime = std::string(runtime->name()), .memory = memory};
}

}  // namespace sandpit
