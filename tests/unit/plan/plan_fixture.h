// A Policy, a Step and a host that are always the same, for the tests of plan/.
#pragma once

#include <string>
#include <vector>

#include "plan/build_plan.h"

namespace sandpit {

struct PlanFixture {
  PlanFixture() {
    policy.working_dir = "/work";
    policy.chdir = "/work";
    step.argv = {"/usr/bin/python3", "/work/hello.py", "Ada"};
    step.env = {"PYTHONDONTWRITEBYTECODE=1"};
    step.syscall_profile = "interpreter";
    step.helper_files = 4;
    facts.kernel_major = 6;
    facts.kernel_minor = 1;
    facts.is_root = true;
    facts.landlock_abi = 2;
    for (ControllerFacts* controller : {&facts.memory, &facts.pids, &facts.cpu}) {
      *controller = {
          .version = CgroupVersion::kV2, .directory = "/sys/fs/cgroup/x", .reason = {}, .mend = {}};
    }
    layout.system = {
        {"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}, {"/sbin", "usr/sbin"}};
    layout.files = {"/etc/ld.so.cache"};
    layout.directories = {"/etc/alternatives", "/etc/ssl/certs"};
    layout.texts = {{"/etc/resolv.conf", "nameserver 192.0.2.1\n"}};
  }

  [[nodiscard]] Result<Plan> build() const {
    return build_plan({.policy = policy,
                       .step = step,
                       .runtime = "python",
                       .runtime_version = "3.11",
                       .inputs = {{.name = "hello.py", .mode = 0644, .size = 42}},
                       .facts = facts},
                      layout);
  }

  Policy policy;
  Step step;
  HostFacts facts;
  RootLayout layout;
};

// Every field but the filter's instructions (which have golden files of their own), one thing a
// line.
[[nodiscard]] std::string plan_text(const Plan& plan);

}  // namespace sandpit
