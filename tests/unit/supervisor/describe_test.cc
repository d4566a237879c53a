#include "supervisor/describe.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>

#include "engine/jail/child.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

Outcome described(const jail::ChildMessage& failure) {
  Plan plan;
  plan.mounts.resize(1);
  plan.mounts[0].target = "usr";
  Outcome outcome;
  describe_run({.plan = plan, .launch_failure = &failure}, outcome);
  return outcome;
}

TEST(LaunchFailureText, NamesTheStepItsObjectAndTheReason) {
  const Outcome outcome =
      described({.step = jail::LaunchStep::kMount, .errno_value = ENOENT, .detail = 0});
  EXPECT_EQ(outcome.status, Status::kSandboxError);
  EXPECT_EQ(outcome.message,
            "the sandbox could not be set up: mount usr: No such file or directory");
}

// What tells it is another process: an older init, or one that was overwritten.
TEST(LaunchFailureText, AStepOrAnErrnoThatNobodyKnowsIsStillTold) {
  const Outcome outcome = described(
      {.step = static_cast<jail::LaunchStep>(200), .errno_value = -7, .detail = 1'000'000});
  EXPECT_EQ(outcome.status, Status::kSandboxError);
  EXPECT_EQ(outcome.message, "the sandbox could not be set up: unknown step: error -7");
}

TEST(EndText, AnEndFromOutsideSaysHowInitEnded) {
  const Plan plan;
  const auto message = [&](int init_status) {
    Outcome outcome;
    describe_run({.plan = plan, .end = {.init_status = init_status}}, outcome);
    EXPECT_EQ(outcome.status, Status::kSignaled);
    return outcome.message;
  };
  EXPECT_EQ(message(-1), "the sandbox was killed from outside");
  EXPECT_EQ(message(W_EXITCODE(0, SIGKILL)),
            "the sandbox was killed from outside (its init: SIGKILL)");
  EXPECT_EQ(message(W_EXITCODE(125, 0)),
            "the sandbox was killed from outside (its init exited with 125)");
}

TEST(ToldEnd, IsBoundedWhateverIsTold) {
  const jail::Jail::End end =
      told_end({.user_us = INT64_MAX, .system_us = -1, .largest_kib = INT64_MAX});
  EXPECT_GT(end.user_time, std::chrono::years(30));
  EXPECT_EQ(end.system_time, Microseconds(0));
  EXPECT_LT(end.user_time + end.user_time, Microseconds::max());
  EXPECT_EQ(end.largest_process, ByteCount::kib(std::uint64_t{1} << 50U));
}

}  // namespace
}  // namespace sandpit
