#include "plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plan/build_plan.h"
#include "plan/egress_plan.h"
#include "plan/enforced_by.h"
#include "plan/root_layout.h"
#include "policy/policy.h"
#include "runtime/manifest.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sys/seccomp.h"
#include "sys/seccomp_notify.h"

namespace sandpit {
namespace {

// mount_setattr(2) is of 5.12, RLIMIT_NPROC per user namespace of 5.14.
constexpr unsigned kLeastMajor = 5;
constexpr unsigned kLeastMinor = 14;

Result<void> check_kernel(const HostFacts& facts) {
  if (facts.kernel_at_least(kLeastMajor, kLeastMinor)) return {};
  return fail(
      {.code = ErrorCode::kRefused,
       .message = fmt::format("this kernel is {}.{}; the jail needs {}.{} or later",
                              facts.kernel_major, facts.kernel_minor, kLeastMajor, kLeastMinor),
       .where = {},
       .hint = "boot a newer kernel"});
}

// execve(2) ends each of them at a NUL, so that the program would get something else than was asked
// for.
Result<void> check_words(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.find('\0') != std::string::npos) {
      return fail({.code = ErrorCode::kUsage,
                   .message = "an argument holds a NUL, which no argument can carry"});
    }
  }
  return {};
}

}  // namespace

const char* to_string(MountKind kind) {
  switch (kind) {
    case MountKind::kDirectory:
      return "directory";
    case MountKind::kFile:
      return "file";
    case MountKind::kSymlink:
      return "symlink";
    case MountKind::kBind:
      return "bind";
    case MountKind::kDevice:
      return "device";
    case MountKind::kVolume:
      return "volume";
    case MountKind::kProc:
      return "proc";
  }
  return "unknown";
}

const char* to_string(LandlockAccess access) {
  switch (access) {
    case LandlockAccess::kRead:
      return "read";
    case LandlockAccess::kReadExecute:
      return "read-execute";
    case LandlockAccess::kReadWrite:
      return "read-write";
    case LandlockAccess::kReadWriteExecute:
      return "read-write-execute";
    case LandlockAccess::kDevice:
      return "device";
  }
  return "unknown";
}

Result<Plan> build_plan(const PlanInput& input) {
  return build_plan(input, RootLayout::of_this_host(input.policy.network));
}

Result<Plan> build_plan(const PlanInput& input, const RootLayout& layout) {
  const Policy& policy = input.policy;
  const Step& step = input.step;
  SP_TRY_VOID(check_kernel(input.facts));
  SP_TRY_VOID(check_words(step.argv));
  SP_TRY(EnforcementPlan enforcement, plan_enforcement(policy, input.facts));

  Plan plan;
  plan.runtime = input.runtime;
  plan.runtime_version = input.runtime_version;
  plan.engine = step.engine;
  plan.wasm = input.wasm;
  plan.argv = step.argv;
  plan.env = plan_environment(policy, step);
  plan.warm = step.warm;
  // An interpreter may run what it finds there (LUA_INIT, RUBYOPT), and a template has neither
  // Landlock nor a filter on.
  if (plan.warm && !policy.env.empty()) plan.cold_reason = "its environment was added to";
  plan.cwd = policy.chdir;
  if (policy.network == NetworkMode::kAllow) plan.egress = plan_egress(policy.hosts);
  plan.mounts =
      plan_mounts(input, layout, plan.egress ? plan.egress->names : std::vector<EgressName>());
  plan.inputs = input.inputs;
  plan.work_dir = policy.working_dir;
  plan.network = policy.network;
  plan.limits = policy.limits;
  plan.helper_tasks = step.helper_tasks;
  // One more for the jail's init.
  plan.max_tasks = std::uint64_t{policy.limits.processes} + step.helper_tasks + 1;
  plan.max_descriptors = std::uint64_t{policy.limits.open_files} + step.helper_files;
  plan.enforcement = std::move(enforcement.limits);
  plan.syscall_profile =
      policy.syscall_profile.empty() ? step.syscall_profile : policy.syscall_profile;
  std::vector<std::string> denied = policy.deny_syscalls;
  // Samples see what processes map: a System V segment that nobody has attached would escape them.
  if (is_enforced_by(plan.enforcement, "memory", Mechanism::kSampled))
    denied.emplace_back("shmget");
  // A module's host has a report of its own, and a filter in front of this one.
  const bool trace = policy.trace && !input.wasm;
  const bool report = trace || (policy.report_denials && !input.wasm);
  const sys::Reporting loud = trace ? sys::Reporting::kWithFiles : sys::Reporting::kNotified;
  SP_TRY(plan.seccomp, sys::filter_for(plan.syscall_profile, policy.allow_syscalls, denied,
                                       report ? loud : sys::Reporting::kSilent));
  // Where there is a network, who is reached and who not is no matter of ours.
  if (policy.network == NetworkMode::kHost || policy.network == NetworkMode::kLoopback) {
    sys::stop_observing(plan.seccomp.data(), plan.seccomp.size());
  }
  plan.report_denials = report && sys::has_notifications(plan.seccomp);
  plan.trace = trace;
  if (trace) plan.cold_reason = "it is traced";
  if (!report) plan.silent_reason = policy.report_denials ? "" : "switched off";
  if (report && !plan.report_denials) {
    plan.silent_reason = "sendmsg is denied, which hands them over";
  }
  plan.denied_syscalls = policy.deny_syscalls;
  plan.landlock_abi = std::max(input.facts.landlock_abi, 0);
  if (plan.landlock_abi > 0) plan.landlock = plan_landlock(plan.mounts);
  // A thread of the program's own may run the prelude again (Node's workers). No such file: no
  // rule.
  if (plan.warm && !plan.warm->prelude.empty() && plan.landlock_abi > 0) {
    plan.landlock.push_back(
        {.path = std::string(kPreludeDirectory), .access = LandlockAccess::kRead});
  }
  plan.warnings = policy.warnings;
  plan.warnings.insert(plan.warnings.end(), enforcement.warnings.begin(),
                       enforcement.warnings.end());
  plan.allow_missing_proc =
      std::any_of(policy.allow_degraded.begin(), policy.allow_degraded.end(),
                  [](const std::string& name) { return name == "proc" || name == "all"; });
  return plan;
}

}  // namespace sandpit
