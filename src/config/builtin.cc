#include "config/builtin.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/schema.h"
#include "config/setting.h"
#include "config/state.h"
#include "config/wasm_members.h"
#include "sandpit/config.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::config {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"development", "production", "strict"};

std::uint64_t milliseconds(Milliseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

void set(State& state, std::span<const KeySpec> keys, std::string_view name, Value value,
         std::string runtime = {}) {
  state.set(
      {.spec = find_key(keys, name), .runtime = std::move(runtime), .value = std::move(value)});
}

Setting profile_setting(std::string_view profile, std::span<const KeySpec> keys,
                        std::string_view name, Value value, Mode mode) {
  return {.spec = find_key(keys, name),
          .value = std::move(value),
          .profile = std::string(profile),
          .mode = mode};
}

// Sampled enforcement is allowed on top of what the files allow.
std::vector<Setting> development() {
  return {profile_setting("development", security_keys(), "allow_degraded",
                          std::vector<std::string>{"memory", "cpu_time", "processes"},
                          Mode::kAppend)};
}

std::vector<Setting> production() {
  return {profile_setting("production", security_keys(), "allow_degraded",
                          std::vector<std::string>{}, Mode::kClamp)};
}

// Only ever tightens: a file that asks for still less keeps it. The disk limit follows from the
// memory limit.
std::vector<Setting> strict() {
  struct Limit {
    std::string_view name;
    std::uint64_t value;
  };
  const std::array<Limit, 8> limits = {{
      {"memory_limit_mb", ByteCount::mib(256).count()},
      {"cpu_time_limit_s", 2000},
      {"timeout_s", 5000},
      {"max_processes", 5},
      {"max_file_size_kb", ByteCount::kib(1024).count()},
      {"max_open_files", 16},
      {"max_inodes", 1024},
      {"max_output_kb", ByteCount::kib(1024).count()},
  }};
  std::vector<Setting> settings;
  settings.reserve(2 * limits.size());
  for (const Limit& limit : limits) {
    settings.push_back(
        profile_setting("strict", limit_keys(), limit.name, limit.value, Mode::kClamp));
  }
  const auto tighten = [&](std::string_view name, Value value) {
    settings.push_back(
        profile_setting("strict", security_keys(), name, std::move(value), Mode::kClamp));
  };
  tighten("network", Network{});
  tighten("allowed_paths", std::vector<PathGrant>{});
  tighten("lint", std::string("deny"));
  tighten("allow_degraded", std::vector<std::string>{});
  tighten("allow_syscalls", std::vector<std::string>{});
  const auto tighten_wasm = [&](std::span<const KeySpec> keys, std::string_view name, Value value) {
    settings.push_back(profile_setting("strict", keys, name, std::move(value), Mode::kClamp));
    settings.back().runtime = "wasm";
  };
  tighten_wasm(wasm_keys(), "preopens", std::vector<PathGrant>{});
  // Empty would mean any address, were there a network at all.
  tighten_wasm(wasm_keys(), "network", std::vector<std::string>{});
  for (const KeySpec& capability : capability_keys()) {
    tighten_wasm(capability_keys(), capability.name, false);
  }
  return settings;
}

void set_wasm_defaults(State& state) {
  const WasmSettings wasm;
  const auto set_key = [&](std::string_view name, Value value) {
    set(state, wasm_keys(), name, std::move(value), "wasm");
  };
  for (const WasmFeatureKey& key : kWasmFeatures) set_key(key.name, wasm.features.*key.member);
  for (const WasmCountKey& key : kWasmCounts) set_key(key.name, wasm.*key.member);
  for (const WasmCapabilityKey& key : kWasmCapabilities) {
    set(state, capability_keys(), key.name, wasm.capabilities.*key.member, "wasm");
  }
  set_key("wasi_enabled", wasm.wasi_enabled);
  set_key("stack_size", wasm.stack_size.count());
  set_key("compiler", std::string("auto"));
  set_key("interruption", std::string("auto"));
  set_key("cache", wasm.cache);
  set_key("cache_dir", wasm.cache_dir);
  set_key("cache_max_size", wasm.cache_max_size.count());
  set_key("preopens", wasm.preopens);
  set_key("network", wasm.network);
}

}  // namespace

State default_state() {
  State state;
  const GeneralSettings general;
  set(state, general_keys(), "working_dir", general.working_dir);
  set(state, general_keys(), "tmp_dir", general.tmp_dir);
  set(state, general_keys(), "log_level", general.log_level);
  set(state, general_keys(), "default_profile", general.default_profile);
  const Limits limits;
  set(state, limit_keys(), "memory_limit_mb", limits.memory.count());
  set(state, limit_keys(), "cpu_time_limit_s", milliseconds(limits.cpu_time));
  set(state, limit_keys(), "timeout_s", milliseconds(limits.wall_time));
  set(state, limit_keys(), "max_processes", std::uint64_t{limits.processes});
  set(state, limit_keys(), "max_file_size_kb", limits.file_size.count());
  set(state, limit_keys(), "max_open_files", std::uint64_t{limits.open_files});
  set(state, limit_keys(), "max_inodes", limits.inodes);
  set(state, limit_keys(), "max_output_kb", limits.output.count());
  set(state, limit_keys(), "stack_size_kb", limits.stack.count());
  set(state, limit_keys(), "compile_time_limit_s", milliseconds(limits.compile_time));
  set(state, limit_keys(), "compile_memory_limit_mb", limits.compile_memory.count());
  set(state, limit_keys(), "compile_max_file_size_kb", limits.compile_file_size.count());
  set(state, security_keys(), "network", Network{});
  set(state, security_keys(), "allowed_paths", std::vector<PathGrant>{});
  set(state, security_keys(), "lint", std::string("warn"));
  set(state, security_keys(), "allow_degraded", std::vector<std::string>{});
  set(state, security_keys(), "profile", std::string());
  set(state, security_keys(), "allow_syscalls", std::vector<std::string>{});
  set(state, security_keys(), "deny_syscalls", std::vector<std::string>{});
  set(state, security_keys(), "report_denials", true);
  const CompileSettings compile;
  set(state, compile_keys(), "cache", compile.cache);
  set(state, compile_keys(), "cache_dir", compile.cache_dir);
  set(state, compile_keys(), "cache_max_size", compile.cache_max_size.count());
  set(state, compile_keys(), "share_between_domains", compile.share_between_domains);
  set_wasm_defaults(state);
  return state;
}

std::span<const std::string_view> builtin_profile_names() { return kNames; }

std::vector<Setting> builtin_profile(std::string_view name) {
  if (name == "development") return development();
  if (name == "production") return production();
  if (name == "strict") return strict();
  return {};
}

}  // namespace sandpit::config
