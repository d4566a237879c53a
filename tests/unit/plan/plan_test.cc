#include "plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plan_fixture.h"
#include "support/temp_tree.h"

namespace sandpit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class PlanTest : public ::testing::Test, protected PlanFixture {
 protected:
  void lose_cgroups() {
    for (ControllerFacts* controller : {&facts.memory, &facts.pids, &facts.cpu}) {
      *controller = {.version = CgroupVersion::kNone,
                     .directory = {},
                     .reason = "not delegated",
                     .mend = "loginctl mend"};
    }
  }

  [[nodiscard]] Plan built() const {
    Result<Plan> plan = build();
    if (plan) return std::move(*plan);
    ADD_FAILURE() << plan.error().to_string();
    return {};
  }

  [[nodiscard]] static const Mount* mount_at(const Plan& plan, std::string_view target) {
    const auto found = std::find_if(plan.mounts.begin(), plan.mounts.end(),
                                    [&](const Mount& mount) { return mount.target == target; });
    return found == plan.mounts.end() ? nullptr : &*found;
  }

  [[nodiscard]] static std::vector<Mechanism> mechanisms_of(const Plan& plan,
                                                            std::string_view limit) {
    for (const Enforcement& item : plan.enforcement) {
      if (item.limit == limit) return item.mechanisms;
    }
    return {};
  }
};

TEST_F(PlanTest, NamesAMechanismForEveryLimit) {
  const Plan plan = built();
  for (const char* limit : {"memory", "cpu_time", "wall_time", "processes", "file_size",
                            "open_files", "disk", "inodes", "output", "stack"}) {
    EXPECT_THAT(mechanisms_of(plan, limit), Not(IsEmpty())) << limit;
  }
  EXPECT_THAT(plan.enforcement, SizeIs(10));
  EXPECT_THAT(plan.warnings, IsEmpty());
}

TEST_F(PlanTest, CountsHelpersAndInitBesideTheProcessesOfTheUser) {
  policy.limits.processes = 10;
  policy.limits.open_files = 20;
  step.helper_tasks = 10;
  step.helper_files = 21;
  const Plan plan = built();
  EXPECT_EQ(plan.max_tasks, 21U);
  EXPECT_EQ(plan.helper_tasks, 10U);
  EXPECT_EQ(plan.max_descriptors, 41U);
}

TEST_F(PlanTest, RefusesWhatTheHostCanNotEnforceAndSaysWhatMendsIt) {
  lose_cgroups();
  const Result<Plan> plan = build();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kRefused);
  EXPECT_THAT(plan.error().to_string(),
              AllOf(HasSubstr("memory"), HasSubstr("cpu_time"), HasSubstr("not delegated"),
                    HasSubstr("loginctl mend"), HasSubstr("allow_degraded = [\"memory\"]"),
                    HasSubstr("--profile development")));
}

TEST_F(PlanTest, RefusesTheOneThatWasNotAllowed) {
  lose_cgroups();
  policy.allow_degraded = {"memory"};
  const Result<Plan> plan = build();
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().to_string(),
              AllOf(HasSubstr("cpu_time"), Not(HasSubstr("memory in full"))));
}

TEST_F(PlanTest, WeakerEnforcementThatIsAllowedIsOneWarning) {
  lose_cgroups();
  facts.landlock_abi = 0;
  policy.allow_degraded = {"memory", "cpu_time", "landlock"};
  const Plan plan = built();
  ASSERT_THAT(plan.warnings, SizeIs(1));
  EXPECT_THAT(plan.warnings[0],
              AllOf(HasSubstr("memory, cpu_time, landlock"), HasSubstr("loginctl mend")));
  EXPECT_THAT(mechanisms_of(plan, "memory"), ElementsAre(Mechanism::kRlimit, Mechanism::kSampled));
  EXPECT_THAT(mechanisms_of(plan, "cpu_time"),
              ElementsAre(Mechanism::kSampled, Mechanism::kRlimit));
  EXPECT_THAT(plan.landlock, IsEmpty());
}

TEST_F(PlanTest, ProcessesAreEnforcedInFullWithoutACgroup) {
  facts.pids = {.version = CgroupVersion::kNone, .directory = {}, .reason = "x", .mend = {}};
  EXPECT_THAT(mechanisms_of(built(), "processes"), ElementsAre(Mechanism::kRlimit));
}

TEST_F(PlanTest, VersionOneControllersAreNamedAsSuch) {
  facts.memory.version = CgroupVersion::kV1;
  EXPECT_THAT(mechanisms_of(built(), "memory"), ElementsAre(Mechanism::kCgroupV1));
}

TEST_F(PlanTest, AMissingLandlockIsRefusedUnlessAllowed) {
  facts.landlock_abi = 0;
  const Result<Plan> plan = build();
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().to_string(),
              AllOf(HasSubstr("landlock"), HasSubstr("allow_degraded = [\"landlock\"]"),
                    // Which does not allow it.
                    Not(HasSubstr("--profile development"))));
  policy.allow_degraded = {"all"};
  EXPECT_THAT(built().warnings,
              ElementsAre(AllOf(HasSubstr("lsm=landlock"), HasSubstr("one wall less"),
                                Not(HasSubstr("sampling")))));
}

TEST_F(PlanTest, RefusesAnOldKernel) {
  facts.kernel_major = 5;
  facts.kernel_minor = 13;
  const Result<Plan> plan = build();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kRefused);
  EXPECT_THAT(plan.error().to_string(), AllOf(HasSubstr("5.13"), HasSubstr("5.14")));
  facts.kernel_minor = 14;
  EXPECT_TRUE(build());
}

TEST_F(PlanTest, TheEnvironmentHoldsNothingOfTheHosts) {
  policy.env = {{"LANG", "de_DE.UTF-8"}, {"X", "1"}};
  EXPECT_THAT(built().env,
              ElementsAre("PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/work", "LANG=de_DE.UTF-8",
                          "TMPDIR=/tmp", "TZ=UTC", "PYTHONDONTWRITEBYTECODE=1", "X=1"));
}

TEST_F(PlanTest, WritablePlacesAreNotExecutableUnlessTheRuntimeMakesPrograms) {
  TempTree tree;
  policy.paths = {{.host = tree.path(), .inside = "/out", .access = Access::kReadWrite}};
  for (const char* target : {"/work", "/tmp", "/out"}) {
    step.executable_work_dir = false;
    EXPECT_NE(mount_at(built(), target)->flags & kMountNoExec, 0) << target;
    step.executable_work_dir = true;
    EXPECT_EQ(mount_at(built(), target)->flags & kMountNoExec, 0) << target;
  }
  EXPECT_NE(mount_at(built(), "/dev/shm")->flags & kMountNoExec, 0);
}

TEST_F(PlanTest, NothingButVolumesAndWriteGrantsIsWritable) {
  TempTree tree;
  policy.paths = {{.host = tree.path(), .inside = "/data", .access = Access::kRead}};
  step.packages = {{.host = tree.path(), .inside = "/packages"}};
  step.read_only_paths = {tree.path()};
  const Plan plan = built();
  for (const Mount& mount : plan.mounts) {
    if (mount.kind != MountKind::kBind) continue;
    EXPECT_NE(mount.flags & kMountReadOnly, 0) << mount.target;
  }
  for (const LandlockRule& rule : plan.landlock) {
    const bool writable = rule.access == LandlockAccess::kReadWrite ||
                          rule.access == LandlockAccess::kReadWriteExecute;
    EXPECT_EQ(writable, rule.path == "/work" || rule.path == "/tmp" || rule.path == "/dev/shm")
        << rule.path;
  }
}

TEST_F(PlanTest, ADirectoryThatIsNotMergedIntoUsrIsBound) {
  layout.system = {{"/bin", ""}, {"/lib", "usr/lib"}};
  const Plan plan = built();
  EXPECT_EQ(mount_at(plan, "/bin")->kind, MountKind::kBind);
  EXPECT_EQ(mount_at(plan, "/lib")->kind, MountKind::kSymlink);
  EXPECT_EQ(mount_at(plan, "/lib")->source, "usr/lib");
  EXPECT_EQ(mount_at(plan, "/sbin"), nullptr);
}

TEST_F(PlanTest, ResolverAndCertificatesAreThereInTheHostsNetworkOnly) {
  EXPECT_EQ(mount_at(built(), "/etc/resolv.conf"), nullptr);
  policy.network = NetworkMode::kHost;
  const Plan plan = built();
  EXPECT_EQ(mount_at(plan, "/etc/resolv.conf")->content, "nameserver 192.0.2.1\n");
  EXPECT_NE(mount_at(plan, "/etc/ssl/certs"), nullptr);
}

TEST_F(PlanTest, WithAListOfHostsItsResolverIsTheProxy) {
  policy.network = NetworkMode::kAllow;
  const Plan plan = built();
  EXPECT_TRUE(mount_at(plan, "/etc/resolv.conf")->content.starts_with("nameserver 127.0.0.1\n"));
  EXPECT_NE(mount_at(plan, "/etc/ssl/certs"), nullptr);
}

TEST_F(PlanTest, WithAListOfHostsProgramsFindNamesAndProxy) {
  policy.network = NetworkMode::kAllow;
  policy.hosts = {"a.org:443"};
  policy.env["HTTPS_PROXY"] = "mine";
  const Plan plan = built();
  ASSERT_TRUE(plan.egress);
  EXPECT_EQ(plan.egress->hosts, policy.hosts);
  EXPECT_THAT(mount_at(plan, "/etc/hosts")->content, testing::HasSubstr("127.77.0.1 a.org\n"));
  EXPECT_THAT(plan.env, testing::IsSupersetOf({"http_proxy=http://127.0.0.1:3128",
                                               "HTTPS_PROXY=mine", "NODE_USE_ENV_PROXY=1"}));
}

TEST_F(PlanTest, AToolChainBeneathAVolumeIsMountedAfterIt) {
  step.read_only_paths = {"/tmp/tools", "/work/tools", "/opt/tools"};
  const Plan plan = built();
  const Mount* volume = mount_at(plan, "/work");
  EXPECT_LT(volume, mount_at(plan, "/work/tools"));
  EXPECT_LT(mount_at(plan, "/tmp"), mount_at(plan, "/tmp/tools"));
  EXPECT_GT(volume, mount_at(plan, "/opt/tools"));
  EXPECT_NE(mount_at(plan, "/work/tools")->flags & kMountGranted, 0);
  EXPECT_EQ(mount_at(plan, "/opt/tools")->flags & kMountGranted, 0);
}

TEST_F(PlanTest, TheProfileOfThePolicyComesBeforeTheStepsOwn) {
  policy.syscall_profile = "native";
  EXPECT_EQ(built().syscall_profile, "native");
  policy.syscall_profile = "no-such-profile";
  const Result<Plan> plan = build();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kUsage);
}

TEST_F(PlanTest, RefusesAnArgumentWithANul) {
  step.argv.emplace_back("a\0b", 3);
  const Result<Plan> plan = build();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kUsage);
}

TEST_F(PlanTest, MissingProcIsAllowedByName) {
  EXPECT_FALSE(built().allow_missing_proc);
  policy.allow_degraded = {"proc"};
  EXPECT_TRUE(built().allow_missing_proc);
}

TEST_F(PlanTest, CarriesTheWarningsOfThePolicy) {
  policy.warnings = {"a socket"};
  EXPECT_THAT(built().warnings, ElementsAre("a socket"));
}

TEST_F(PlanTest, OnThisHostShowsItsOwnUsrMerge) {
  const RootLayout host = RootLayout::of_this_host(NetworkMode::kHost);
  EXPECT_THAT(host.system, Not(IsEmpty()));
  for (const RootEntry& entry : host.system) EXPECT_EQ(entry.path.front(), '/');
}

}  // namespace
}  // namespace sandpit
