// Every step of the launch, made to fail: the run ends as sandbox_error naming the step, and
// nothing is left behind.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "engine/jail/child.h"
#include "service/one_shot.h"
#include "support/host_state.h"

namespace sandpit {
namespace {

using jail::LaunchStep;

Result<Outcome> run_true(std::vector<std::string> hosts = {}) {
  const Host host = probe_host();
  Config config = Config::defaults();
  config.settings().security.allow_degraded = {"all"};
  const RuntimeRegistry registry;
  SP_TRY(Prepared prepared,
         prepare({.source = HostCommand{{"/bin/true"}}, .hosts = std::move(hosts)}, config,
                 registry, host.facts));
  return run_one_shot(std::move(prepared), {}, host);
}

class LaunchFailure : public testing::TestWithParam<LaunchStep> {
 protected:
  void TearDown() override { ::unsetenv("SANDPIT_INJECT"); }
};

TEST_P(LaunchFailure, EndsAsSandboxErrorAndLeavesNothing) {
  const LaunchStep step = GetParam();
  if (step == LaunchStep::kJoinCgroup && ::geteuid() != 0) GTEST_SKIP() << "needs cgroups";
  const test::HostState before = test::host_state();
  ::setenv("SANDPIT_INJECT",
           (std::string(jail::to_string(step)) + ":" + std::to_string(EXDEV)).c_str(), 1);
  const auto outcome = run_true();
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kSandboxError) << outcome->message;
  EXPECT_EQ(exit_status(*outcome), 125);
  const std::string name = step == LaunchStep::kExec ? "can't execute" : jail::to_string(step);
  EXPECT_NE(outcome->message.find(name), std::string::npos) << outcome->message;
  EXPECT_NE(outcome->message.find("cross-device"), std::string::npos) << outcome->message;
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

std::vector<LaunchStep> all_steps() {
  std::vector<LaunchStep> steps;
  for (int step = static_cast<int>(LaunchStep::kWaitForGo);
       step < static_cast<int>(LaunchStep::kCount); ++step) {
    const auto value = static_cast<LaunchStep>(step);
    // Not on the way of this run: no private loopback, no input file; /bin/true needs neither.
    if (value == LaunchStep::kLoopback || value == LaunchStep::kInput) continue;
    // Of runs with a list of hosts only: below.
    if (value == LaunchStep::kEgress) continue;
    // Of forked runs only: warm_failure_test.cc.
    if (value == LaunchStep::kIdMaps || value == LaunchStep::kInit) continue;
    steps.push_back(value);
  }
  return steps;
}

INSTANTIATE_TEST_SUITE_P(EachStep, LaunchFailure, testing::ValuesIn(all_steps()),
                         [](const auto& step) {
                           std::string name = jail::to_string(step.param);
                           std::erase_if(name, [](char c) {
                             return std::isalnum(static_cast<unsigned char>(c)) == 0;
                           });
                           return name;
                         });

// In the jail of the run, or in that of its proxy as well.
class EgressFailure : public LaunchFailure {};

TEST_P(EgressFailure, EndsAsSandboxErrorAndLeavesNothing) {
  const test::HostState before = test::host_state();
  ::setenv("SANDPIT_INJECT",
           (std::string(jail::to_string(GetParam())) + ":" + std::to_string(EXDEV)).c_str(), 1);
  const auto outcome = run_true({"127.0.0.1:1"});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kSandboxError) << outcome->message;
  EXPECT_NE(outcome->message.find("cross-device"), std::string::npos) << outcome->message;
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

INSTANTIATE_TEST_SUITE_P(Steps, EgressFailure,
                         testing::Values(LaunchStep::kEgress, LaunchStep::kLoopback,
                                         LaunchStep::kSeccomp));

TEST(LaunchFailure, WithoutInjectionARunWithHostsSucceedsAndLeavesNothing) {
  const test::HostState before = test::host_state();
  const auto outcome = run_true({"127.0.0.1:1"});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kExited) << outcome->message;
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

TEST(LaunchFailure, WithoutInjectionTheSameRunSucceeds) {
  const auto outcome = run_true();
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_EQ(outcome->status, Status::kExited) << outcome->message;
  EXPECT_EQ(outcome->exit_code, 0);
}

}  // namespace
}  // namespace sandpit
