#include "plan/egress_proxy.h"

#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/own_path.h"
#include "base/result.h"
#include "plan/plan.h"
#include "policy/policy.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

constexpr std::string_view kProgram = "egress-proxy";
// Such a program needs nothing but itself. Those of a sanitizer are not.
#ifdef SANDPIT_STATIC_PROGRAMS
constexpr bool kStatic = true;
#else
constexpr bool kStatic = false;
#endif
constexpr std::string_view kInside = "/egress-proxy";
// It starts before the run's time begins to count.
constexpr std::chrono::seconds kLonger{30};

Policy policy_of_proxy(const Plan& run) {
  Policy policy;
  policy.limits = run.limits;
  policy.limits.memory = kEgressProxyMemory;
  policy.limits.wall_time = run.limits.wall_time + kLonger;
  policy.limits.cpu_time = policy.limits.wall_time;
  policy.limits.processes = 4;  // the threads that wait for name servers
  policy.limits.open_files = 1024;
  policy.limits.file_size = ByteCount::kib(64);
  policy.limits.disk = ByteCount::mib(1);
  policy.limits.inodes = 16;
  policy.limits.output = ByteCount::kib(64);
  policy.limits.stack = ByteCount::mib(8);
  policy.network = NetworkMode::kHost;
  // Where the run's own limits may be sampled, so may these; where not, it is refused before.
  policy.allow_degraded = {"all"};
  policy.report_denials = false;
  policy.working_dir = "/work";
  policy.chdir = "/work";
  return policy;
}

// Names are resolved as the host does it, its own names included. Bound per run, since editors
// replace that file; bound and not copied, since block lists are large.
void use_names_of_host(Plan& plan) {
  constexpr const char* kHosts = "/etc/hosts";
  std::erase_if(plan.mounts, [](const Mount& mount) { return mount.target == kHosts; });
  if (::access(kHosts, R_OK) == 0) {
    plan.mounts.push_back({.kind = MountKind::kBind,
                           .flags = kMountReadOnly | kMountNoExec | kMountGranted,
                           .target = kHosts,
                           .source = kHosts});
  }
  constexpr const char* kServices = "/etc/nsswitch.conf";
  std::erase_if(plan.mounts, [](const Mount& mount) { return mount.target == kServices; });
  plan.mounts.push_back({.kind = MountKind::kFile,
                         .mode = 0444,
                         .target = kServices,
                         .source = {},
                         .content = "hosts: files dns\n"});
  if (plan.landlock_abi > 0) {
    plan.landlock.push_back({.path = "/etc", .access = LandlockAccess::kRead});
  }
}

}  // namespace

Result<Plan> egress_proxy_plan(const Plan& run, const HostFacts& facts) {
  const std::string program = find_own_program(kProgram, "SANDPIT_EGRESS_PROXY");
  if (program.empty()) {
    return fail({.code = ErrorCode::kRefused,
                 .message = "there is no egress-proxy, which a network of listed hosts needs",
                 .where = {},
                 .hint = "install Sandpit anew: it belongs in libexec/sandpit/"});
  }
  Step step;
  step.argv = {std::string(kInside)};
  step.program = program;
  step.bare_root = kStatic;
  step.syscall_profile = "egress";
  step.helper_tasks = 4;
  step.helper_files = 32;
  InputFile control{.name = "control"};
  control.as_descriptor = kEgressControl;
  const Policy policy = policy_of_proxy(run);
  SP_TRY(Plan plan, build_plan({.policy = policy,
                                .step = step,
                                .runtime = std::string(kProgram),
                                .runtime_version = {},
                                .inputs = {control},
                                .facts = facts,
                                .wasm = {}}));
  use_names_of_host(plan);
  return plan;
}

}  // namespace sandpit
