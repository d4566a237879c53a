// The Plan of a Python hello on a fixed host, against tests/golden/plan/. SANDPIT_UPDATE_GOLDEN=1
// writes it anew.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "plan_fixture.h"

namespace sandpit {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\n' ? std::string("\\n") : std::string(1, c);
  return result;
}

void compare_with_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(SANDPIT_SOURCE_DIR) + "/tests/golden/plan/" + name;
  if (std::getenv("SANDPIT_UPDATE_GOLDEN") != nullptr)
    std::ofstream(path, std::ios::binary) << text;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), text) << path;
}

}  // namespace

std::string plan_text(const Plan& plan) {
  std::string text =
      fmt::format("runtime {} {} engine {}\n", plan.runtime, plan.runtime_version, plan.engine);
  for (const std::string& word : plan.argv) text += fmt::format("argv {}\n", word);
  for (const std::string& entry : plan.env) text += fmt::format("env {}\n", entry);
  text +=
      fmt::format("cwd {}\nhostname {}\nid {}:{}\n", plan.cwd, plan.hostname, plan.uid, plan.gid);
  for (const Mount& mount : plan.mounts) {
    text += fmt::format("mount {} {}{}{} {:04o}", to_string(mount.kind), mount.target,
                        mount.source.empty() ? "" : " <- ", mount.source, mount.mode);
    if ((mount.flags & kMountReadOnly) != 0) text += " ro";
    if ((mount.flags & kMountNoExec) != 0) text += " noexec";
    if ((mount.flags & kMountIsDirectory) != 0) text += " dir";
    if ((mount.flags & kMountGranted) != 0) text += " granted";
    text += mount.content.empty() ? "\n" : fmt::format(" \"{}\"\n", escaped(mount.content));
  }
  for (const InputFile& input : plan.inputs)
    text += fmt::format("input {} {:04o} {}\n", input.name, input.mode, input.size);
  text += fmt::format("work_dir {}\nnetwork {}\n", plan.work_dir, static_cast<int>(plan.network));
  const Limits& limits = plan.limits;
  text += fmt::format(
      "limits memory {} cpu {} wall {} processes {} file {} files {} disk {} inodes {} output {} "
      "stack {}\n",
      limits.memory.count(), limits.cpu_time.count(), limits.wall_time.count(), limits.processes,
      limits.file_size.count(), limits.open_files, limits.disk.count(), limits.inodes,
      limits.output.count(), limits.stack.count());
  text += fmt::format("tasks {} of which helpers {}\ndescriptors {}\n", plan.max_tasks,
                      plan.helper_tasks, plan.max_descriptors);
  for (const Enforcement& item : plan.enforcement) {
    text += fmt::format("enforce {}", item.limit);
    for (const Mechanism mechanism : item.mechanisms)
      text += fmt::format(" {}", to_string(mechanism));
    text += item.degraded.empty() ? "\n" : fmt::format(" degraded: {}\n", item.degraded);
  }
  text += fmt::format("seccomp {}\nlandlock abi {}\n", plan.syscall_profile, plan.landlock_abi);
  for (const LandlockRule& rule : plan.landlock)
    text += fmt::format("landlock {} {}\n", to_string(rule.access), rule.path);
  for (const std::string& warning : plan.warnings) text += fmt::format("warning {}\n", warning);
  return text;
}

namespace {

TEST(PlanGolden, OfAPythonHello) {
  const Result<Plan> plan = PlanFixture().build();
  ASSERT_TRUE(plan) << plan.error().to_string();
  compare_with_golden("python-hello.txt", plan_text(*plan));
}

TEST(PlanGolden, OfARunInTheHostsNetworkWithGrantsAndAToolChainOfItsOwn) {
  PlanFixture fixture;
  fixture.policy.network = NetworkMode::kHost;
  fixture.policy.paths = {
      {.host = "/nonexistent/data", .inside = "/data", .access = Access::kRead},
      {.host = "/nonexistent/out", .inside = "/work/out", .access = Access::kReadWrite}};
  fixture.step.packages = {
      {.host = "/nonexistent/site-packages", .inside = "/packages", .access = Access::kRead}};
  fixture.step.read_only_paths = {"/nonexistent/python", "/nonexistent/python/lib", "/usr/lib/x",
                                  "/work/tools"};
  const Result<Plan> plan = fixture.build();
  ASSERT_TRUE(plan) << plan.error().to_string();
  compare_with_golden("python-grants.txt", plan_text(*plan));
}

TEST(PlanGolden, IsTheSameTwice) {
  const PlanFixture fixture;
  const Result<Plan> first = fixture.build();
  const Result<Plan> second = fixture.build();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(plan_text(*first), plan_text(*second));
  ASSERT_EQ(first->seccomp.size(), second->seccomp.size());
  EXPECT_FALSE(first->seccomp.empty());
  for (std::size_t i = 0; i < first->seccomp.size(); ++i) {
    EXPECT_EQ(first->seccomp[i].code, second->seccomp[i].code);
    EXPECT_EQ(first->seccomp[i].k, second->seccomp[i].k);
  }
}

}  // namespace
}  // namespace sandpit
