#include "plan/wasm_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"
#include "sandpit/config.h"
#include "sandpit/request.h"

namespace sandpit {
namespace {

constexpr std::uint64_t kPageSize = 64U << 10U;

std::vector<WasmPreopen> preopens_of(const Policy& policy, const std::string& out_dir) {
  std::vector<WasmPreopen> preopens;
  for (const std::string& inside : policy.path_order) {
    const auto grant = std::find_if(policy.paths.begin(), policy.paths.end(),
                                    [&](const PathGrant& path) { return path.inside == inside; });
    if (grant == policy.paths.end()) continue;
    preopens.push_back(
        {.inside = inside, .guest = inside, .writable = grant->access == Access::kReadWrite});
  }
  // What a module writes there is copied out.
  if (!out_dir.empty()) {
    preopens.push_back(
        {.inside = policy.working_dir, .guest = policy.working_dir, .writable = true});
  }
  return preopens;
}

}  // namespace

WasmPlan make_wasm_plan(const WasmSettings& settings, const Policy& policy, const Request& request,
                        std::string name, std::string digest, std::uint64_t module_size) {
  WasmPlan plan;
  plan.task = request.check ? WasmTask::kDescribe : WasmTask::kRun;
  plan.invoke = request.invoke;
  if (request.invoke.empty()) {
    plan.args.push_back(name);
    plan.args.insert(plan.args.end(), request.args.begin(), request.args.end());
  } else {
    plan.args.push_back(name);
    plan.values = request.args;
  }
  plan.module_name = std::move(name);
  for (const auto& [key, value] : policy.env) plan.env.push_back(fmt::format("{}={}", key, value));
  plan.wasi_enabled = settings.wasi_enabled;
  plan.features = settings.features;
  plan.capabilities = settings.capabilities;
  plan.compiler = settings.compiler;
  plan.interruption = settings.interruption;
  plan.max_memory =
      std::min(ByteCount::bytes(settings.max_memory_pages * kPageSize), policy.limits.memory);
  plan.stack_size = settings.stack_size;
  plan.max_table_elements = settings.max_table_elements;
  plan.max_instances = settings.max_instances;
  plan.max_tables = settings.max_tables;
  plan.max_memories = settings.max_memories;
  plan.fuel = settings.fuel;
  plan.preopens = preopens_of(policy, request.out_dir);
  plan.network = policy.network != NetworkMode::kNone;
  plan.allowed = policy.hosts.empty() ? settings.network : policy.hosts;
  plan.cache = settings.cache;
  if (settings.cache) {
    plan.cache_dir =
        settings.cache_dir.empty() ? default_cache_directory("wasm") : settings.cache_dir;
  }
  plan.cache_max_size = settings.cache_max_size;
  plan.digest = std::move(digest);
  plan.module_size = module_size;
  return plan;
}

ByteCount largest_artefact(const WasmPlan& plan) {
  constexpr std::uint64_t kTimes = 64;
  const ByteCount size = ByteCount::bytes(ByteCount::mib(1).count() + kTimes * plan.module_size);
  return std::min(size, plan.cache_max_size);
}

std::string default_cache_directory(std::string_view cache_name) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): we never call setenv
    return std::string(value != nullptr ? value : "");
  };
  const std::string cache = variable("XDG_CACHE_HOME");
  if (cache.starts_with('/')) return fmt::format("{}/sandpit/{}", cache, cache_name);
  const std::string home = variable("HOME");
  return home.starts_with('/') ? fmt::format("{}/.cache/sandpit/{}", home, cache_name)
                               : std::string();
}

}  // namespace sandpit
