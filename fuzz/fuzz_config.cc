// Configuration files: a trusted one, and after a line "#---" a project's that is not trusted. What
// the second says may take away and never give. The first byte chooses the profile of the run.
#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "config/builder.h"
#include "fuzz/input.h"

namespace sandpit::fuzz {
namespace {

constexpr std::array<const char*, 8> kProfiles = {"", "development", "production", "strict", "", "",
                                                  "", "mine"};

Result<Config> build(std::string_view user, const std::string_view* project,
                     const std::string& profile) {
  ConfigBuilder builder;
  builder.add_layer({.name = "user",
                     .file = "user.toml",
                     .directory = "/nonexistent",
                     .home = "/usr",
                     .distrust = {},
                     .trust_dir = {}},
                    user);
  if (project != nullptr) {
    builder.add_layer({.name = "project",
                       .file = "sandbox.toml",
                       .directory = "/nonexistent",
                       .home = "/usr",
                       .trusted = false,
                       .distrust = "it was found",
                       .trust_dir = "."},
                      *project);
  }
  return builder.build(profile);
}

bool covers(const std::vector<PathGrant>& granted, const PathGrant& wanted) {
  const auto inside = [](const PathGrant& grant) {
    return grant.inside.empty() ? grant.host : grant.inside;
  };
  return std::ranges::any_of(granted, [&](const PathGrant& grant) {
    return grant.host == wanted.host && inside(grant) == inside(wanted) &&
           (grant.access == Access::kReadWrite || wanted.access == Access::kRead);
  });
}

bool all_covered(const std::vector<PathGrant>& before, const std::vector<PathGrant>& after) {
  return std::ranges::all_of(after, [&](const PathGrant& g) { return covers(before, g); });
}

bool is_subset(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return std::ranges::all_of(
      part, [&](const std::string& s) { return std::ranges::find(whole, s) != whole.end(); });
}

template <class T>
T in_effect(const std::optional<T> LimitOverrides::* own, T Limits::* general,
            const Settings& settings, const std::string& runtime) {
  const auto found = settings.runtimes.find(runtime);
  if (found != settings.runtimes.end() && found->second.limits.*own) {
    return *(found->second.limits.*own);
  }
  return settings.limits.*general;
}

void compare_limits(const Settings& before, const Settings& after, const std::string& runtime) {
  const auto at_most = [&](auto own, auto general, const char* what) {
    require(in_effect(own, general, after, runtime) <= in_effect(own, general, before, runtime),
            what);
  };
  at_most(&LimitOverrides::memory, &Limits::memory, "a project file raises memory");
  at_most(&LimitOverrides::cpu_time, &Limits::cpu_time, "a project file raises CPU time");
  at_most(&LimitOverrides::wall_time, &Limits::wall_time, "a project file raises wall time");
  at_most(&LimitOverrides::processes, &Limits::processes, "a project file raises processes");
  at_most(&LimitOverrides::file_size, &Limits::file_size, "a project file raises file size");
  at_most(&LimitOverrides::open_files, &Limits::open_files, "a project file raises open files");
  at_most(&LimitOverrides::disk, &Limits::disk, "a project file raises disk");
  at_most(&LimitOverrides::inodes, &Limits::inodes, "a project file raises inodes");
  at_most(&LimitOverrides::output, &Limits::output, "a project file raises output");
  at_most(&LimitOverrides::stack, &Limits::stack, "a project file raises stack");
}

// General and the runtime's own together, as a run sees them.
template <class T>
std::vector<T> joined(const std::vector<T>& general, const std::vector<T>& own) {
  std::vector<T> all = general;
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

void compare_security(const Settings& before, const Settings& after, const std::string& runtime) {
  static const RuntimeSettings kNone;
  const auto own = [&](const Settings& settings) -> const SecurityOverrides& {
    const auto found = settings.runtimes.find(runtime);
    return found == settings.runtimes.end() ? kNone.security : found->second.security;
  };
  const SecurityOverrides& a = own(before);
  const SecurityOverrides& b = own(after);
  const SecuritySettings& general_a = before.security;
  const SecuritySettings& general_b = after.security;
  require(b.network.value_or(general_b.network) <= a.network.value_or(general_a.network),
          "a project file gives network");
  const auto hosts = [](const SecuritySettings& general, const SecurityOverrides& over) {
    return over.network ? over.hosts.value_or(general.hosts) : general.hosts;
  };
  const bool lists = a.network.value_or(general_a.network) == NetworkMode::kAllow &&
                     b.network.value_or(general_b.network) == NetworkMode::kAllow;
  require(!lists || is_subset(hosts(general_b, b), hosts(general_a, a)),
          "a project file gives hosts");
  require(b.lint.value_or(general_b.lint) >= a.lint.value_or(general_a.lint),
          "a project file weakens lint");
  require(b.profile.value_or(general_b.profile) == a.profile.value_or(general_a.profile),
          "a project file changes the system-call profile");
  require(all_covered(joined(general_a.allowed_paths, a.allowed_paths),
                      joined(general_b.allowed_paths, b.allowed_paths)),
          "a project file gives paths");
  require(is_subset(joined(general_b.allow_degraded, b.allow_degraded),
                    joined(general_a.allow_degraded, a.allow_degraded)),
          "a project file allows weaker enforcement");
  require(is_subset(joined(general_b.allow_syscalls, b.allow_syscalls),
                    joined(general_a.allow_syscalls, a.allow_syscalls)),
          "a project file allows system calls");
  require(is_subset(joined(general_a.deny_syscalls, a.deny_syscalls),
                    joined(general_b.deny_syscalls, b.deny_syscalls)),
          "a project file drops denied system calls");
}

void compare_wasm(const WasmSettings& a, const WasmSettings& b) {
  require(b.max_memory_pages <= a.max_memory_pages && b.stack_size <= a.stack_size &&
              b.max_table_elements <= a.max_table_elements && b.max_tables <= a.max_tables &&
              b.max_memories <= a.max_memories && b.max_instances <= a.max_instances,
          "a project file raises a limit of WebAssembly");
  require(b.fuel - 1 <= a.fuel - 1, "a project file gives fuel");
  require(a.wasi_enabled || !b.wasi_enabled, "a project file gives WASI");
  require((a.features.threads || !b.features.threads) && (a.features.gc || !b.features.gc) &&
              (a.features.exceptions || !b.features.exceptions) &&
              (a.features.memory64 || !b.features.memory64),
          "a project file allows a proposal");
  require((a.capabilities.env || !b.capabilities.env) &&
              (a.capabilities.clocks || !b.capabilities.clocks) &&
              (a.capabilities.standard_input || !b.capabilities.standard_input),
          "a project file gives a capability");
  require(all_covered(a.preopens, b.preopens), "a project file gives preopens");
  require(a.network.empty() || (!b.network.empty() && is_subset(b.network, a.network)),
          "a project file allows addresses");
  require(
      a.cache_dir == b.cache_dir && a.cache_max_size == b.cache_max_size && (a.cache || !b.cache),
      "a project file moves the cache");
}

void compare(const Settings& before, const Settings& after) {
  std::set<std::string> runtimes = {"", "python", "wasm", "javascript"};
  for (const auto& [name, ignored] : after.runtimes) runtimes.insert(name);
  for (const std::string& runtime : runtimes) {
    compare_limits(before, after, runtime);
    compare_security(before, after, runtime);
  }
  compare_wasm(before.wasm, after.wasm);
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sandpit;
  fuzz::Input input(data, size);
  const std::string profile = fuzz::kProfiles[input.take() % fuzz::kProfiles.size()];
  const std::string_view user = input.take_until("\n#---\n");
  const std::string_view project = input.rest();
  const Result<Config> both = fuzz::build(user, &project, profile);
  if (!both) {
    fuzz::require(!both.error().to_string().empty(), "an error says what is wrong");
    return 0;
  }
  const Result<Config> alone = fuzz::build(user, nullptr, profile);
  if (alone) fuzz::compare(alone->settings(), both->settings());
  return 0;
}
