// The parts of build_plan(), each a pure function, for plan.cc and the tests.
#pragma once

#include <string>
#include <vector>

#include "plan/egress_plan.h"
#include "plan/plan.h"
#include "plan/root_layout.h"

namespace sandpit {

// build_plan() with the root layout given: for tests that must not depend on the host.
[[nodiscard]] Result<Plan> build_plan(const PlanInput& input, const RootLayout& layout);

// Is `path` a directory on the host? Asked of the step's trees and the grants, which are paths of
// the host.
[[nodiscard]] bool is_host_directory(const std::string& path);

// `names` are in the run's /etc/hosts.
[[nodiscard]] std::vector<Mount> plan_mounts(const PlanInput& input, const RootLayout& layout,
                                             const std::vector<EgressName>& names);
[[nodiscard]] std::vector<LandlockRule> plan_landlock(const std::vector<Mount>& mounts);
[[nodiscard]] std::vector<std::string> plan_environment(const Policy& policy, const Step& step);

struct EnforcementPlan {
  std::vector<Enforcement> limits;
  std::vector<std::string> warnings;  // none, or one line for all that is weaker
};

// Error kRefused when something would be weaker and the policy does not allow it by name.
[[nodiscard]] Result<EnforcementPlan> plan_enforcement(const Policy& policy,
                                                       const HostFacts& facts);

}  // namespace sandpit
