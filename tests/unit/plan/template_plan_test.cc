#include "plan/template_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "plan/plan.h"
#include "plan_fixture.h"

namespace sandpit {
namespace {

using ::testing::IsEmpty;

Plan warm_run(const PlanFixture& fixture) {
  Plan run = *fixture.build();
  run.warm = WarmStart{.prelude = "/opt/sandpit/runtimes/python/warm.py",
                       .argv = {"/usr/bin/python3", "/work/hello.py"},
                       .env = {"ONLY=there"},
                       .trigger = "/work/hello.py",
                       .source = "/work/hello.py",
                       .args = {"a", ""}};
  return run;
}

TEST(TemplatePlan, HasNoneOfTheRunsWallsButItsPlace) {
  const PlanFixture fixture;
  const Plan run = warm_run(fixture);
  const Plan made = template_plan(run);
  EXPECT_TRUE(made.is_template);
  EXPECT_EQ(made.argv, run.warm->argv);
  EXPECT_EQ(made.env.back(), "ONLY=there");
  EXPECT_THAT(made.seccomp, IsEmpty());
  EXPECT_THAT(made.landlock, IsEmpty());
  EXPECT_THAT(made.inputs, IsEmpty());
  EXPECT_EQ(made.network, NetworkMode::kNone);
  EXPECT_EQ(made.mounts.size(), run.mounts.size() + 1);
  EXPECT_EQ(made.mounts.back().target, "/.sandpit/warm.py");
  EXPECT_FALSE(made.warm);
}

TEST(TemplatePlan, IsTheSameForRunsThatDifferInWhatIsTheirOwn) {
  const PlanFixture fixture;
  Plan one = warm_run(fixture);
  Plan other = one;
  other.limits.memory = ByteCount::mib(64);
  other.limits.wall_time = std::chrono::seconds(1);
  other.limits.processes = 3;
  other.limits.open_files = 9;
  other.limits.disk = ByteCount::mib(1);
  other.max_tasks = 5;
  other.seccomp.clear();
  other.warm->args = {"quite", "different"};
  other.inputs.clear();
  const Plan a = template_plan(one);
  const Plan b = template_plan(other);
  EXPECT_EQ(a.limits.memory.count(), b.limits.memory.count());
  EXPECT_EQ(a.limits.wall_time, b.limits.wall_time);
  EXPECT_EQ(a.limits.processes, b.limits.processes);
  EXPECT_EQ(a.max_tasks, b.max_tasks);
  EXPECT_EQ(a.max_descriptors, b.max_descriptors);
  EXPECT_EQ(a.argv, b.argv);
}

TEST(TemplatePlan, WhatWasGrantedToARunIsAnEmptyPlaceInIt) {
  PlanFixture fixture;
  fixture.policy.paths = {{.host = "/usr/share", .inside = "/data", .access = Access::kRead}};
  const Plan made = template_plan(warm_run(fixture));
  for (const Mount& mount : made.mounts) {
    EXPECT_EQ(mount.flags & kMountGranted, 0) << mount.target;
    if (mount.target == "/data") {
      EXPECT_EQ(mount.kind, MountKind::kDirectory);
    }
  }
}

TEST(OncePlan, HasAllOfTheRunsWallsAndMoreTime) {
  const PlanFixture fixture;
  Plan run = warm_run(fixture);
  run.warm->prelude.clear();
  run.warm->env = {"SANDPIT_ONCE=1", "SANDPIT_DIRECTORIES=out,more", "ONLY=there"};
  const Plan made = once_plan(run);
  EXPECT_FALSE(made.is_template);
  EXPECT_FALSE(made.warm);
  EXPECT_EQ(made.argv, run.warm->argv);
  EXPECT_EQ(made.env.back(), "ONLY=there");
  EXPECT_EQ(made.seccomp.size(), run.seccomp.size());
  EXPECT_EQ(made.landlock.size(), run.landlock.size());
  EXPECT_EQ(made.mounts.size(), run.mounts.size());
  EXPECT_EQ(made.network, run.network);
  EXPECT_EQ(made.max_tasks, run.max_tasks);
  EXPECT_EQ(made.max_descriptors, run.max_descriptors);
  EXPECT_EQ(made.limits.memory, run.limits.memory);
  EXPECT_EQ(made.limits.disk, run.limits.disk);
  EXPECT_EQ(made.limits.wall_time, run.limits.wall_time + kLongestLead);
  EXPECT_EQ(made.limits.cpu_time, run.limits.cpu_time + kLargestLead);
  EXPECT_TRUE(serves_one_run(*run.warm));
  ASSERT_EQ(made.inputs.size(), 2U);
  EXPECT_EQ(made.inputs.front().name, "out");
  EXPECT_TRUE(made.inputs.front().directory);
}

TEST(ReasonForCold, NamesWhatNoWaitingProcessCanGive) {
  const PlanFixture fixture;
  Plan run = warm_run(fixture);
  run.warm->prelude.clear();
  run.warm->env = {"SANDPIT_ONCE=1"};
  run.enforcement = {{.limit = "cpu_time", .mechanisms = {Mechanism::kCgroupV2}, .degraded = {}}};
  EXPECT_EQ(reason_for_cold(run), "it has arguments");
  run.warm->trigger = "java";
  EXPECT_EQ(reason_for_cold(run), "");
  run.trace = true;
  EXPECT_EQ(reason_for_cold(run), "its files are traced");
  run.enforcement.front().mechanisms = {Mechanism::kSampled};
  EXPECT_EQ(reason_for_cold(run), "there is no cgroup that counts what it uses");
}

TEST(ReasonForCold, NamesWhatNoTemplateCanGive) {
  const PlanFixture fixture;
  Plan run = warm_run(fixture);
  EXPECT_EQ(reason_for_cold(run), "");
  run.network = NetworkMode::kHost;
  EXPECT_EQ(reason_for_cold(run), "the host's network was granted");
  run = warm_run(fixture);
  run.inputs.push_back({.name = "module", .as_descriptor = 3});
  EXPECT_EQ(reason_for_cold(run), "the program gets descriptors");
  run = warm_run(fixture);
  run.warm->prelude.clear();
  EXPECT_EQ(reason_for_cold(run), "it has arguments");
  run.warm->args_in_argv = true;
  EXPECT_EQ(reason_for_cold(run), "");
}

TEST(RunRecord, EndsEveryWord) {
  const PlanFixture fixture;
  EXPECT_EQ(run_record(*warm_run(fixture).warm), std::string("/work/hello.py\0a\0\0", 18));
}

}  // namespace
}  // namespace sandpit
