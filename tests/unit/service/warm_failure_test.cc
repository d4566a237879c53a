// Every step of a forked run, made to fail: the run ends as sandbox_error naming the step, the next
// one is no worse for it, and nothing is left behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/jail/child.h"
#include "sandpit/sandbox.h"
#include "support/host_state.h"
#include "support/launch_steps.h"
#include "support/warm_fixture.h"

namespace sandpit {
namespace {

using jail::LaunchStep;

class WarmFailure : public test::WarmFixture, public testing::WithParamInterface<LaunchStep> {
 protected:
  void TearDown() override { ::unsetenv("SANDPIT_INJECT_WARM"); }
};

TEST_P(WarmFailure, EndsAsSandboxErrorAndLeavesNothing) {
  const LaunchStep step = GetParam();
  if (step == LaunchStep::kJoinCgroup && ::geteuid() != 0) GTEST_SKIP() << "needs cgroups";
  const test::HostState before = test::host_state();
  const std::string injection = std::string(jail::to_string(step)) + ":" + std::to_string(EXDEV);
  ::setenv("SANDPIT_INJECT_WARM", injection.c_str(), 1);
  {
    const Sandbox sandbox = make();
    for (int round = 0; round < 2; ++round) {
      const Outcome outcome = run_warm(sandbox, hello());
      ASSERT_EQ(outcome.start, "warm") << outcome.start_reason;
      EXPECT_EQ(outcome.status, Status::kSandboxError) << outcome.message;
      EXPECT_NE(outcome.message.find(jail::to_string(step)), std::string::npos) << outcome.message;
      EXPECT_NE(outcome.message.find("cross-device"), std::string::npos) << outcome.message;
    }
  }
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

std::vector<LaunchStep> steps_of_forked_runs() {
  std::vector<LaunchStep> steps = test::all_launch_steps();
  std::erase_if(steps, [](LaunchStep step) {
    return std::ranges::count(test::ways_to(step), test::Way::kForked) == 0;
  });
  return steps;
}

INSTANTIATE_TEST_SUITE_P(EachStep, WarmFailure, testing::ValuesIn(steps_of_forked_runs()),
                         [](const auto& step) {
                           std::string name = jail::to_string(step.param);
                           std::erase_if(name, [](char c) {
                             return std::isalnum(static_cast<unsigned char>(c)) == 0;
                           });
                           return name;
                         });

TEST_F(WarmFailure, WithoutInjectionTheSameRunSucceedsAndLeavesNothing) {
  const test::HostState before = test::host_state();
  {
    const Sandbox sandbox = make();
    const Outcome outcome = run_warm(sandbox, hello());
    ASSERT_EQ(outcome.start, "warm") << outcome.start_reason;
    EXPECT_EQ(outcome.status, Status::kExited) << outcome.message;
    EXPECT_EQ(outcome.stdout_text, "hello\n");
  }
  const test::HostState after = test::settled_state(before);
  EXPECT_EQ(after, before) << after.text() << " instead of " << before.text();
}

}  // namespace
}  // namespace sandpit
