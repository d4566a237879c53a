#include "plan/template_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

#include "plan/enforced_by.h"
#include "plan/plan.h"
#include "runtime/manifest.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

// A template is replaced long before; this is what ends one that its owner has forgotten.
constexpr std::chrono::hours kLongestLife{24};
constexpr std::uint64_t kMostTasks = 4096;
constexpr std::uint64_t kMostFiles = 65536;
constexpr ByteCount kLeastMemory = ByteCount::mib(1024);

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// Of an interpreter that is started before its run is known: what the run brings is not in it.
Plan interpreter_plan(const Plan& run) {
  Plan made = run;
  made.warm.reset();
  made.cold_reason.clear();
  made.warnings.clear();
  made.argv = run.warm->argv;
  made.inputs.clear();
  return made;
}

}  // namespace

Plan template_plan(const Plan& run) {
  Plan made = interpreter_plan(run);
  const WarmStart& warm = *run.warm;
  made.is_template = true;
  made.env.insert(made.env.end(), warm.env.begin(), warm.env.end());
  // Each run has a network of its own, and lowers the limits to its own: these only have to leave
  // room. The stack's limit shapes the address space when a program starts, and stays.
  made.network = NetworkMode::kNone;
  made.limits.wall_time = kLongestLife;
  made.limits.cpu_time = kLongestLife;
  made.limits.memory = std::max(run.limits.memory, kLeastMemory);
  made.limits.file_size = ByteCount::bytes(std::numeric_limits<std::int64_t>::max());
  made.limits.disk = ByteCount::mib(64);
  made.limits.inodes = 1024;
  made.limits.output = ByteCount::kib(64);
  made.limits.processes = 1;
  made.limits.open_files = 1;
  made.max_tasks = kMostTasks;
  made.helper_tasks = 0;
  made.max_descriptors = kMostFiles;
  made.enforcement.clear();
  // It makes jails, which is what these forbid; a run puts them on before its program begins.
  made.seccomp.clear();
  made.report_denials = false;
  made.trace = false;
  made.silent_reason.clear();
  made.denied_syscalls.clear();
  made.syscall_profile.clear();
  made.landlock.clear();
  made.landlock_abi = 0;
  // What was granted to one run is nothing for a template; the place where it goes must be there.
  for (Mount& mount : made.mounts) {
    if (mount.kind != MountKind::kBind || (mount.flags & kMountGranted) == 0) continue;
    const bool directory = (mount.flags & kMountIsDirectory) != 0;
    mount = {.kind = directory ? MountKind::kDirectory : MountKind::kFile,
             .mode = static_cast<std::uint16_t>(directory ? 0755 : 0644),
             .target = mount.target};
  }
  if (!warm.prelude.empty()) {
    made.mounts.push_back(
        {.kind = MountKind::kFile,
         .mode = 0444,
         .target = std::string(kPreludeDirectory) + "/" + base_name(warm.prelude)});
  }
  return made;
}

bool serves_one_run(const WarmStart& warm) {
  return std::ranges::find(warm.env, fmt::format("{}=1", kOnceVariable)) != warm.env.end();
}

Plan once_plan(const Plan& run) {
  Plan made = interpreter_plan(run);
  const std::string directories = fmt::format("{}=", kDirectoriesVariable);
  for (const std::string& entry : run.warm->env) {
    if (!entry.starts_with(directories)) {
      made.env.push_back(entry);
      continue;
    }
    std::istringstream list(entry.substr(directories.size()));
    for (std::string name; std::getline(list, name, ',');) {
      made.inputs.push_back({.name = name, .mode = 0755, .directory = true});
    }
  }
  made.limits.wall_time += kLongestLead;
  made.limits.cpu_time += kLargestLead;
  return made;
}

namespace {

// What waits alone is counted from the moment it begins, which a sample tells too late.
std::string reason_against_once(const Plan& run) {
  const bool sampled = std::ranges::any_of(run.enforcement, [](const Enforcement& row) {
    return has_mechanism(row, Mechanism::kSampled);
  });
  if (sampled) return "there is no cgroup that counts what it uses";
  if (run.trace) return "its files are traced";
  return {};
}

// Where the interpreter asks for the arguments later than for its program.
bool takes_arguments(const WarmStart& warm) {
  return !warm.prelude.empty() || warm.args_in_argv || warm.trigger == kJavaTrigger;
}

}  // namespace

std::string reason_for_cold(const Plan& run) {
  if (run.network == NetworkMode::kHost) return "the host's network was granted";
  if (run.network == NetworkMode::kAllow) return "its network has a proxy of its own";
  const bool handed = std::ranges::any_of(
      run.inputs, [](const InputFile& input) { return input.as_descriptor != 0; });
  if (handed) return "the program gets descriptors";
  const WarmStart& warm = *run.warm;
  if (!takes_arguments(warm) && !warm.args.empty()) return "it has arguments";
  if (std::string reason = serves_one_run(warm) ? reason_against_once(run) : ""; !reason.empty())
    return reason;
  constexpr std::size_t kMostInputs = 64;
  if (std::ranges::count_if(run.inputs, has_descriptor) >
      static_cast<std::ptrdiff_t>(kMostInputs)) {
    return "too many input files";
  }
  return {};
}

std::string run_record(const WarmStart& warm) {
  std::string record = warm.source;
  record += '\0';
  for (const std::string& argument : warm.args) {
    record += argument;
    record += '\0';
  }
  return record;
}

}  // namespace sandpit
