#include "config/contradictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/schema.h"
#include "config/setting.h"
#include "config/state.h"
#include "sandpit/request.h"

namespace sandpit::config {
namespace {

// `lower` must not be above `upper`.
struct Pair {
  std::string_view lower;
  std::string_view upper;
  bool tell_of_defaults;  // a warning even when the value that gives way is a built-in default
};
constexpr std::array<Pair, 4> kPairs = {{
    {"cpu_time_limit_s", "timeout_s", true},
    {"max_disk_mb", "memory_limit_mb", true},
    {"max_file_size_kb", "max_disk_mb", false},
    {"stack_size_kb", "memory_limit_mb", false},
}};

// A proposal of WebAssembly and the one it builds on: the engine refuses the first without the
// second. A chain comes in the order in which it breaks.
struct Need {
  std::string_view feature;
  std::string_view needs;
};
constexpr std::array<Need, 3> kNeeds = {{
    {"allow_reference_types", "allow_bulk_memory"},
    {"allow_gc", "allow_reference_types"},
    {"allow_relaxed_simd", "allow_simd"},
}};

const Setting* find_name(std::span<const Setting> table, std::string_view name) {
  const auto found = std::ranges::find_if(
      table, [&](const Setting& setting) { return setting.spec->name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::uint64_t number_of(const Setting& setting) { return std::get<std::uint64_t>(setting.value); }

std::string source_of(const Setting& setting) {
  const std::string origin = setting.origin();
  return origin.empty() ? setting.layer_name()
                        : fmt::format("{}, {}", setting.layer_name(), origin);
}

void report_syscalls(std::span<const Setting> table, const Layer& layer, Problems& problems) {
  const Setting* const allowed = find_name(table, "allow_syscalls");
  const Setting* const denied = find_name(table, "deny_syscalls");
  if (allowed == nullptr || denied == nullptr) return;
  const auto& names = std::get<std::vector<std::string>>(allowed->value);
  const auto& denied_names = std::get<std::vector<std::string>>(denied->value);
  for (std::size_t i = 0; i < denied_names.size(); ++i) {
    if (std::ranges::find(names, denied_names[i]) == names.end()) continue;
    problems.add(
        layer, denied->element_places[i],
        fmt::format("{} is both in allow_syscalls and in deny_syscalls", quote(denied_names[i])));
  }
}

// What can have no effect without WASI.
bool wants_wasi(const Setting& setting) {
  if (setting.spec->section == "capabilities") return std::get<bool>(setting.value);
  if (setting.spec->section != "wasm") return false;
  if (setting.spec->name == "network") {
    return !std::get<std::vector<std::string>>(setting.value).empty();
  }
  return setting.spec->name == "preopens" &&
         !std::get<std::vector<PathGrant>>(setting.value).empty();
}

// [runtimes.wasm] network says what modules reach; a second list would have no effect.
void report_two_lists(std::span<const Setting> table, const Layer& layer, Problems& problems) {
  const auto find = [&](const KeySpec& spec) {
    const auto found = std::ranges::find(table, &spec, &Setting::spec);
    return found == table.end() ? nullptr : &*found;
  };
  const Setting* const list = find(*find_key(wasm_keys(), "network"));
  const Setting* const security = find(network_key());
  if (list == nullptr || security == nullptr ||
      std::get<std::vector<std::string>>(list->value).empty() ||
      std::get<Network>(security->value).mode != NetworkMode::kAllow) {
    return;
  }
  problems.add(layer, security->place,
               fmt::format("modules have a list of hosts already (line {})", list->place.line),
               "give either runtimes.wasm.network or mode = \"allow\"");
}

void reconcile_feature(State& state, const Need& need, std::vector<std::string>& warnings) {
  const KeySpec& spec = *find_key(wasm_keys(), need.feature);
  const Setting* const feature = state.in_effect(spec, "wasm");
  const Setting* const base = state.in_effect(*find_key(wasm_keys(), need.needs), "wasm");
  if (feature == nullptr || base == nullptr || !std::get<bool>(feature->value) ||
      std::get<bool>(base->value)) {
    return;
  }
  if (feature->layer_name() != "default") {
    warnings.push_back(fmt::format("{} turned off: it needs {}, which is false ({})",
                                   feature->key(), need.needs, source_of(*base)));
  }
  Setting off = *base;
  off.spec = &spec;
  state.set(std::move(off));
}

void reconcile_pair(State& state, const Pair& pair, const std::string& runtime,
                    std::vector<std::string>& warnings) {
  const KeySpec& lower = *find_key(limit_keys(), pair.lower);
  const KeySpec& upper = *find_key(limit_keys(), pair.upper);
  const Setting* const value = state.in_effect(lower, runtime);
  const Setting* const bound = state.in_effect(upper, runtime);
  if (value == nullptr || bound == nullptr || number_of(*value) <= number_of(*bound)) return;
  Setting lowered = *bound;
  lowered.spec = &lower;
  lowered.runtime = runtime;
  if (pair.tell_of_defaults || value->layer_name() != "default") {
    const std::string name = lowered.key();
    warnings.push_back(fmt::format("{} lowered from {} to {}: {} is {} ({})",
                                   runtime.empty() ? std::string(lower.name) : name,
                                   to_toml(lower, value->value), to_toml(lower, bound->value),
                                   upper.name, to_toml(upper, bound->value), source_of(*bound)));
  }
  state.set(std::move(lowered));
}

// A default disk limit follows the memory limit of its own scope.
void fill_in_disk(State& state, const std::string& runtime) {
  const KeySpec& disk = *find_key(limit_keys(), "max_disk_mb");
  const Setting* const set = state.in_effect(disk, runtime);
  if (set != nullptr && set->layer_name() != "default") return;
  const std::uint64_t wanted = default_disk(state.number("memory_limit_mb", runtime));
  if (set == nullptr || number_of(*set) != wanted) {
    state.set({.spec = &disk, .runtime = runtime, .value = wanted});
  }
}

}  // namespace

void report_contradictions(std::span<const Setting> table, const Layer& layer, Problems& problems) {
  for (const Pair& pair : kPairs) {
    const Setting* const lower = find_name(table, pair.lower);
    const Setting* const upper = find_name(table, pair.upper);
    if (lower == nullptr || upper == nullptr || number_of(*lower) <= number_of(*upper)) continue;
    problems.add(layer, lower->place,
                 fmt::format("{} = {} is above {} = {} (line {})", pair.lower,
                             to_toml(*lower->spec, lower->value), pair.upper,
                             to_toml(*upper->spec, upper->value), upper->place.line));
  }
  report_syscalls(table, layer, problems);
}

void report_two_networks(std::span<const Setting> table, const Layer& layer, Problems& problems) {
  const Setting* first = nullptr;
  for (const Setting& setting : table) {
    if (setting.spec != &network_key()) continue;
    if (first == nullptr) {
      first = &setting;
      continue;
    }
    problems.add(layer, setting.place,
                 fmt::format("the network is given twice (line {})", first->place.line),
                 "network and enable_network are two ways to say one thing: leave one out");
  }
}

void report_wasm_contradictions(std::span<const Setting> table, const Layer& layer,
                                Problems& problems) {
  for (const Need& need : kNeeds) {
    const Setting* const feature = find_name(table, need.feature);
    const Setting* const base = find_name(table, need.needs);
    if (feature == nullptr || base == nullptr || !std::get<bool>(feature->value) ||
        std::get<bool>(base->value)) {
      continue;
    }
    problems.add(layer, feature->place,
                 fmt::format("{} needs {}, which is false (line {})", need.feature, need.needs,
                             base->place.line));
  }
  report_two_lists(table, layer, problems);
  const Setting* const wasi = find_name(table, "wasi_enabled");
  if (wasi == nullptr || std::get<bool>(wasi->value)) return;
  for (const Setting& setting : table) {
    if (!wants_wasi(setting)) continue;
    problems.add(layer, setting.place,
                 fmt::format("{} needs wasi_enabled, which is false (line {})", setting.spec->name,
                             wasi->place.line));
  }
}

void reconcile(State& state, std::vector<std::string>& warnings) {
  std::set<std::string> scopes = {""};  // the general one first: the runtimes inherit from it
  for (const auto& [key, setting] : state.map()) {
    if (setting.spec->section == "resource_limits") scopes.insert(setting.runtime);
  }
  for (const std::string& runtime : scopes) {
    fill_in_disk(state, runtime);
    for (const Pair& pair : kPairs) reconcile_pair(state, pair, runtime, warnings);
  }
  for (const Need& need : kNeeds) reconcile_feature(state, need, warnings);
}

}  // namespace sandpit::config
