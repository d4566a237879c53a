#include "config/settings_of.h"

#include <array>
#include <cstdint>
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

std::uint64_t number_of(const Setting& setting) { return std::get<std::uint64_t>(setting.value); }
std::string text_of(const Setting& setting) { return std::get<std::string>(setting.value); }
bool flag_of(const Setting& setting) { return std::get<bool>(setting.value); }
std::vector<std::string> texts_of(const Setting& setting) {
  return std::get<std::vector<std::string>>(setting.value);
}
ByteCount bytes_of(const Setting& setting) { return ByteCount::bytes(number_of(setting)); }
Milliseconds duration_of(const Setting& setting) {
  return Milliseconds{static_cast<Milliseconds::rep>(number_of(setting))};
}
std::uint32_t count_of(const Setting& setting) {
  return static_cast<std::uint32_t>(number_of(setting));
}

// Works for Limits and LimitOverrides alike: their members have the same names.
template <class L>
void set_limit(L& limits, const Setting& setting) {
  const std::string_view name = setting.spec->name;
  if (name == "memory_limit_mb") limits.memory = bytes_of(setting);
  if (name == "cpu_time_limit_s") limits.cpu_time = duration_of(setting);
  if (name == "timeout_s") limits.wall_time = duration_of(setting);
  if (name == "max_processes") limits.processes = count_of(setting);
  if (name == "max_file_size_kb") limits.file_size = bytes_of(setting);
  if (name == "max_open_files") limits.open_files = count_of(setting);
  if (name == "max_disk_mb") limits.disk = bytes_of(setting);
  if (name == "max_inodes") limits.inodes = number_of(setting);
  if (name == "max_output_kb") limits.output = bytes_of(setting);
  if (name == "stack_size_kb") limits.stack = bytes_of(setting);
  if (name == "compile_time_limit_s") limits.compile_time = duration_of(setting);
  if (name == "compile_memory_limit_mb") limits.compile_memory = bytes_of(setting);
  if (name == "compile_max_file_size_kb") limits.compile_file_size = bytes_of(setting);
}

LintLevel lint_of(const Setting& setting) {
  const std::string text = text_of(setting);
  if (text == "off") return LintLevel::kOff;
  return text == "deny" ? LintLevel::kDeny : LintLevel::kWarn;
}

// Works for SecuritySettings and SecurityOverrides alike.
template <class S>
void set_security(S& security, const Setting& setting) {
  const std::string_view name = setting.spec->name;
  if (name == "network") {
    const auto& network = std::get<Network>(setting.value);
    security.network = network.mode;
    if (!network.hosts.empty()) security.hosts = network.hosts;
  }
  if (name == "allowed_paths") {
    security.allowed_paths = std::get<std::vector<PathGrant>>(setting.value);
  }
  if (name == "env") security.env[setting.leaf] = text_of(setting);
  if (name == "lint") security.lint = lint_of(setting);
  if (name == "allow_degraded") security.allow_degraded = texts_of(setting);
  if (name == "profile") security.profile = text_of(setting);
  if (name == "allow_syscalls") security.allow_syscalls = texts_of(setting);
  if (name == "deny_syscalls") security.deny_syscalls = texts_of(setting);
  if (name == "report_denials") security.report_denials = flag_of(setting);
}

void set_general(GeneralSettings& general, const Setting& setting) {
  const std::string_view name = setting.spec->name;
  if (name == "working_dir") general.working_dir = text_of(setting);
  if (name == "tmp_dir") general.tmp_dir = text_of(setting);
  if (name == "log_level") general.log_level = text_of(setting);
  if (name == "default_profile") general.default_profile = text_of(setting);
}

void set_runtime(RuntimeSettings& runtime, const Setting& setting) {
  switch (setting.spec->kind) {
    case Kind::kInterpreter:
      runtime.interpreter = text_of(setting);
      break;
    case Kind::kTextList:
      (setting.spec->name == "preload" ? runtime.preload : runtime.extra_args) = texts_of(setting);
      break;
    default:
      runtime.packages_dir = text_of(setting);
      break;
  }
}

WasmInterruption interruption_of(const Setting& setting) {
  const std::string text = text_of(setting);
  if (text == "epoch") return WasmInterruption::kEpoch;
  return text == "kill" ? WasmInterruption::kKill : WasmInterruption::kAuto;
}

WasmCompiler compiler_of(const Setting& setting) {
  const std::string text = text_of(setting);
  if (text == "cranelift") return WasmCompiler::kCranelift;
  return text == "winch" ? WasmCompiler::kWinch : WasmCompiler::kAuto;
}

void set_wasm(WasmSettings& wasm, const Setting& setting) {
  const std::string_view name = setting.spec->name;
  for (const WasmFeatureKey& key : kWasmFeatures) {
    if (name == key.name) wasm.features.*key.member = flag_of(setting);
  }
  for (const WasmCountKey& key : kWasmCounts) {
    if (name == key.name) wasm.*key.member = number_of(setting);
  }
  if (name == "wasi_enabled") wasm.wasi_enabled = flag_of(setting);
  if (name == "stack_size") wasm.stack_size = bytes_of(setting);
  if (name == "compiler") wasm.compiler = compiler_of(setting);
  if (name == "interruption") wasm.interruption = interruption_of(setting);
  if (name == "cache") wasm.cache = flag_of(setting);
  if (name == "cache_dir") wasm.cache_dir = text_of(setting);
  if (name == "cache_max_size") wasm.cache_max_size = bytes_of(setting);
  if (name == "preopens") wasm.preopens = std::get<std::vector<PathGrant>>(setting.value);
  if (name == "network") wasm.network = texts_of(setting);
}

void set_compile(CompileSettings& compile, const Setting& setting) {
  const std::string_view name = setting.spec->name;
  if (name == "cache") compile.cache = flag_of(setting);
  if (name == "cache_dir") compile.cache_dir = text_of(setting);
  if (name == "cache_max_size") compile.cache_max_size = bytes_of(setting);
  if (name == "share_between_domains") compile.share_between_domains = flag_of(setting);
}

void set_capability(WasmCapabilities& capabilities, const Setting& setting) {
  for (const WasmCapabilityKey& key : kWasmCapabilities) {
    if (setting.spec->name == key.name) capabilities.*key.member = flag_of(setting);
  }
}

void set_one(Settings& settings, const Setting& setting) {
  const std::string_view section = setting.spec->section;
  const bool general = setting.runtime.empty();
  if (section == "general") {
    set_general(settings.general, setting);
  } else if (section == "extensions") {
    settings.extensions[setting.leaf] = text_of(setting);
  } else if (section == "compile") {
    set_compile(settings.compile, setting);
  } else if (section == "wasm") {
    set_wasm(settings.wasm, setting);
  } else if (section == "capabilities") {
    set_capability(settings.wasm.capabilities, setting);
  } else if (section == "runtime") {
    set_runtime(settings.runtimes[setting.runtime], setting);
  } else if (section == "resource_limits" && general) {
    set_limit(settings.limits, setting);
  } else if (section == "resource_limits") {
    set_limit(settings.runtimes[setting.runtime].limits, setting);
  } else if (general) {
    set_security(settings.security, setting);
  } else {
    set_security(settings.runtimes[setting.runtime].security, setting);
  }
}

}  // namespace

Settings settings_of(const State& state) {
  Settings settings;
  for (const auto& [key, setting] : state.map()) set_one(settings, setting);
  return settings;
}

std::vector<ConfigEntry> entries_of(const State& state) {
  std::vector<ConfigEntry> entries;
  entries.reserve(state.map().size());
  for (const auto& [key, setting] : state.map()) {
    entries.push_back({.key = key,
                       .value = to_toml(*setting.spec, setting.value),
                       .layer = setting.layer_name(),
                       .origin = setting.origin(),
                       .where = setting.where()});
  }
  return entries;
}

void set_limit_of(LimitOverrides& limits, const Setting& setting) { set_limit(limits, setting); }

}  // namespace sandpit::config
