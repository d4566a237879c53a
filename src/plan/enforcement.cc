// By which mechanism each limit is enforced on this host, and what is weaker than it should be.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/build_plan.h"
#include "plan/plan.h"
#include "policy/policy.h"
#include "sandpit/error.h"

namespace sandpit {
namespace {

std::string reason_of(const ControllerFacts& facts) {
  return facts.reason.empty() ? "no cgroup controller is usable" : facts.reason;
}

struct Weakness {
  std::string name;  // as in allow_degraded
  std::string reason;
  std::string mend;      // the command, may be empty
  std::string evasion;   // what a hostile program can do about it
  bool sampled = false;  // which the profile development allows
};

Weakness sampled(std::string name, const ControllerFacts& facts) {
  // What a sample can't see: a child that the kernel reaps unasked, shared memory that nobody maps.
  return {.name = std::move(name),
          .reason = reason_of(facts),
          .mend = facts.mend,
          .evasion = "a hostile program can evade such sampling",
          .sampled = true};
}

Mechanism cgroup(CgroupVersion version) {
  return version == CgroupVersion::kV2 ? Mechanism::kCgroupV2 : Mechanism::kCgroupV1;
}

bool allowed(const Policy& policy, std::string_view name) {
  return std::any_of(policy.allow_degraded.begin(), policy.allow_degraded.end(),
                     [&](const std::string& item) { return item == name || item == "all"; });
}

Enforcement plan_memory(const HostFacts& facts, std::vector<Weakness>& weak) {
  if (facts.memory.version != CgroupVersion::kNone)
    return {.limit = "memory", .mechanisms = {cgroup(facts.memory.version)}, .degraded = {}};
  weak.push_back(sampled("memory", facts.memory));
  // RLIMIT_DATA holds each process, sampling holds the tree, but late.
  return {.limit = "memory",
          .mechanisms = {Mechanism::kRlimit, Mechanism::kSampled},
          .degraded = reason_of(facts.memory)};
}

Enforcement plan_cpu_time(const HostFacts& facts, std::vector<Weakness>& weak) {
  // RLIMIT_CPU holds one process even when the supervisor is late.
  if (facts.cpu.version != CgroupVersion::kNone) {
    return {.limit = "cpu_time",
            .mechanisms = {cgroup(facts.cpu.version), Mechanism::kRlimit},
            .degraded = {}};
  }
  weak.push_back(sampled("cpu_time", facts.cpu));
  return {.limit = "cpu_time",
          .mechanisms = {Mechanism::kSampled, Mechanism::kRlimit},
          .degraded = reason_of(facts.cpu)};
}

Enforcement plan_processes(const HostFacts& facts) {
  // RLIMIT_NPROC is as good: since 5.14 it counts per user namespace, and each run has its own.
  const Mechanism mechanism =
      facts.pids.version == CgroupVersion::kNone ? Mechanism::kRlimit : cgroup(facts.pids.version);
  return {.limit = "processes", .mechanisms = {mechanism}, .degraded = {}};
}

std::string join(const std::vector<Weakness>& weak, std::string Weakness::* member,
                 std::string_view separator) {
  std::vector<std::string> values;
  for (const Weakness& item : weak) {
    const std::string& value = item.*member;
    if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end())
      values.push_back(value);
  }
  return fmt::format("{}", fmt::join(values, separator));
}

Error refusal(const std::vector<Weakness>& refused) {
  Error error;
  for (const Weakness& weakness : refused) {
    std::string hint =
        weakness.mend.empty() ? std::string{} : fmt::format("to mend it: {}; ", weakness.mend);
    hint += fmt::format("to run with less: allow_degraded = [\"{}\"]{}", weakness.name,
                        weakness.sampled ? " or --profile development" : "");
    Error one{.code = ErrorCode::kRefused,
              .message = fmt::format("this host can't enforce {} in full: {}", weakness.name,
                                     weakness.reason),
              .where = {},
              .hint = std::move(hint)};
    if (error.message.empty()) {
      error = std::move(one);
    } else {
      error.others.push_back(std::move(one));
    }
  }
  return error;
}

// One line for all of them: a warning for each would drown the program's own output.
std::string warning(const std::vector<Weakness>& weak) {
  std::string text = fmt::format("weaker enforcement of {}: {}", join(weak, &Weakness::name, ", "),
                                 join(weak, &Weakness::reason, "; "));
  const std::string mend = join(weak, &Weakness::mend, " && ");
  const std::string evasion = join(weak, &Weakness::evasion, "; ");
  if (!evasion.empty()) text += "; " + evasion;
  if (!mend.empty()) text += fmt::format(" (to mend it: {})", mend);
  return text;
}

}  // namespace

Result<EnforcementPlan> plan_enforcement(const Policy& policy, const HostFacts& facts) {
  EnforcementPlan plan;
  std::vector<Weakness> weak;
  plan.limits.push_back(plan_memory(facts, weak));
  plan.limits.push_back(plan_cpu_time(facts, weak));
  plan.limits.push_back({.limit = "wall_time", .mechanisms = {Mechanism::kTimer}, .degraded = {}});
  plan.limits.push_back(plan_processes(facts));
  for (const char* limit : {"file_size", "open_files", "stack"}) {
    plan.limits.push_back({.limit = limit, .mechanisms = {Mechanism::kRlimit}, .degraded = {}});
  }
  for (const char* limit : {"disk", "inodes"}) {
    plan.limits.push_back({.limit = limit, .mechanisms = {Mechanism::kTmpfs}, .degraded = {}});
  }
  plan.limits.push_back({.limit = "output", .mechanisms = {Mechanism::kPipe}, .degraded = {}});
  // A missing Landlock is a missing wall, not a detail: it is treated as a limit that can't be
  // enforced.
  if (facts.landlock_abi <= 0) {
    weak.push_back(
        {.name = "landlock",
         .reason = "this kernel has no Landlock, or it is not enabled",
         .mend = "boot with lsm=landlock,… on the kernel command line (kernel 5.13 or later)",
         .evasion = "files and sockets have one wall less"});
  }
  std::vector<Weakness> refused;
  std::copy_if(weak.begin(), weak.end(), std::back_inserter(refused),
               [&](const Weakness& item) { return !allowed(policy, item.name); });
  if (!refused.empty()) return fail(refusal(refused));
  if (!weak.empty()) plan.warnings.push_back(warning(weak));
  return plan;
}

}  // namespace sandpit
