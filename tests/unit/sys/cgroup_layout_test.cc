// Recorded /proc/self/cgroup and /proc/self/mountinfo of several kinds of hosts.
#include "sys/cgroup_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sys/cgroup_v2.h"

namespace sandpit::sys {
namespace {

std::string first(const CgroupPlace& place) {
  return place.candidates.empty() ? "none: " + place.reason : place.candidates.front().directory;
}

TEST(CgroupLayout, FindsSharedV1MountsOfAPureV1Host) {
  const CgroupLayout layout = parse_cgroup_layout(
      "11:memory:/user.slice/user-1000.slice\n"
      "4:cpu,cpuacct:/user.slice\n"
      "3:pids:/user.slice/user-1000.slice/session-2.scope\n"
      "1:name=systemd:/user.slice/user-1000.slice/session-2.scope\n",
      "30 25 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n"
      "33 30 0:29 / /sys/fs/cgroup/memory rw,relatime shared:13 - cgroup cgroup rw,memory\n"
      "34 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:14 - cgroup cgroup rw,cpu,cpuacct\n"
      "35 30 0:31 / /sys/fs/cgroup/pids rw shared:15 - cgroup cgroup rw,pids\n");
  EXPECT_EQ(layout.memory.version, CgroupVersion::kV1);
  EXPECT_EQ(first(layout.memory), "/sys/fs/cgroup/memory/user.slice/user-1000.slice");
  EXPECT_EQ(first(layout.cpu), "/sys/fs/cgroup/cpu,cpuacct/user.slice");
  EXPECT_EQ(first(layout.pids), "/sys/fs/cgroup/pids/user.slice/user-1000.slice/session-2.scope");
  EXPECT_THAT(first(layout.unified), testing::HasSubstr("no cgroup v2"));
}

TEST(CgroupLayout, FindsEachControllerOfAHybridHostInItsOwnHierarchy) {
  const CgroupLayout layout =
      parse_cgroup_layout("8:pids:/\n4:memory:/process_api/c0bc\n2:cpuacct:/\n1:cpu:/\n0::/\n",
                          "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                          "33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
                          "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                          "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(first(layout.memory), "/sys/fs/cgroup/memory/process_api/c0bc");
  EXPECT_EQ(first(layout.pids), "/sys/fs/cgroup/pids");
  EXPECT_EQ(first(layout.cpu), "/sys/fs/cgroup/cpuacct");
  EXPECT_EQ(first(layout.unified), "/sys/fs/cgroup/unified");
}

TEST(CgroupLayout, TakesEverythingFromV2OnAPureV2HostWithSystemd) {
  const CgroupLayout layout = parse_cgroup_layout(
      "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r5.scope\n",
      "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  EXPECT_EQ(layout.memory.version, CgroupVersion::kV2);
  EXPECT_EQ(first(layout.memory),
            "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-r5.scope");
  EXPECT_EQ(first(layout.cpu), first(layout.memory));
}

TEST(CgroupLayout, UnderstandsTheRootOfAContainersCgroupNamespace) {
  const CgroupLayout layout = parse_cgroup_layout(
      "0::/\n", "800 790 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n");
  EXPECT_EQ(first(layout.memory), "/sys/fs/cgroup");
}

TEST(CgroupLayout, TakesThePathRelativeToTheMountsRoot) {
  // Docker with v1 and no cgroup namespace: the container's own group is what is mounted.
  const CgroupLayout same = parse_cgroup_layout(
      "4:memory:/docker/ab12\n",
      "900 8 0:29 /docker/ab12 /sys/fs/cgroup/memory ro - cgroup c rw,memory\n");
  EXPECT_EQ(first(same.memory), "/sys/fs/cgroup/memory");
  const CgroupLayout below = parse_cgroup_layout(
      "4:memory:/docker/ab12/mine\n", "900 8 0:29 /docker/ab12 /m rw - cgroup c rw,memory\n");
  EXPECT_EQ(first(below.memory), "/m/mine");
  // /docker/ab1 is not a parent of /docker/ab12.
  const CgroupLayout other = parse_cgroup_layout(
      "4:memory:/docker/ab12\n", "900 8 0:29 /docker/ab1 /m rw - cgroup c rw,memory\n");
  EXPECT_THAT(first(other.memory), testing::HasSubstr("outside of what is mounted"));
}

TEST(CgroupLayout, RefusesToGuessWhatLiesAboveTheNamespacesRoot) {
  const CgroupLayout layout =
      parse_cgroup_layout("0::/\n", "29 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  EXPECT_THAT(first(layout.memory), testing::HasSubstr("outside of what is mounted"));
}

TEST(CgroupLayout, PrefersTheLaterMountAndUnescapesNames) {
  const CgroupLayout layout = parse_cgroup_layout(
      "0::/a:b\n",
      "29 23 0:26 / /old rw - cgroup2 cgroup2 rw\n"
      "30 23 0:26 / /my\\040cgroups rw shared:1 master:2 - cgroup2 cgroup2 rw\n");
  ASSERT_EQ(layout.memory.candidates.size(), 2U);
  EXPECT_EQ(first(layout.memory), "/my cgroups/a:b");
}

TEST(CgroupLayout, SurvivesNonsense) {
  for (const char* text : {"", "\n\n", "x", "1:2", "::::", "- - cgroup2", "0::"}) {
    EXPECT_TRUE(parse_cgroup_layout(text, text).memory.candidates.empty()) << text;
  }
  EXPECT_EQ(unescape_octal("a\\04"), "a\\04");
  EXPECT_EQ(unescape_octal("a\\134b"), "a\\b");
}

TEST(CgroupV2Choice, EnablesControllersAtTheRealRootInPlace) {
  const V2Choice choice = choose_v2_base({.controllers = "cpu memory pids\n",
                                          .subtree = "memory\n",
                                          .is_root = true,
                                          .writable = true});
  EXPECT_EQ(choice.place, V2Place::kOwnGroup);
  EXPECT_EQ(choice.enable, "+pids");
  EXPECT_FALSE(choice.move_self);
}

TEST(CgroupV2Choice, MovesOutOfTheWayWhenAloneInADelegatedGroup) {
  const V2Choice choice =
      choose_v2_base({.controllers = "memory pids\n", .writable = true, .alone = true});
  EXPECT_EQ(choice.place, V2Place::kOwnGroup);
  EXPECT_EQ(choice.enable, "+memory +pids");
  EXPECT_TRUE(choice.move_self);
}

TEST(CgroupV2Choice, UsesTheParentWhenOthersAreInTheGroup) {
  const V2Choice choice = choose_v2_base({.controllers = "memory pids\n",
                                          .writable = true,
                                          .parent_writable = true,
                                          .parent_subtree = "memory pids\n"});
  EXPECT_EQ(choice.place, V2Place::kParent);
  EXPECT_TRUE(choice.memory && choice.pids && choice.enable.empty() && !choice.move_self);
}

TEST(CgroupV2Choice, EnablesControllersInAParentThatIsOursAndEmpty) {
  const V2Choice choice = choose_v2_base({.controllers = "",
                                          .writable = true,
                                          .parent_writable = true,
                                          .parent_subtree = "pids\n",
                                          .parent_controllers = "memory pids\n",
                                          .parent_empty = true});
  EXPECT_EQ(choice.place, V2Place::kParent);
  EXPECT_TRUE(choice.memory && choice.pids && !choice.move_self);
  EXPECT_EQ(choice.enable, "+memory");
}

TEST(CgroupV2Choice, CountsOnlyCpuTimeWhenOthersAreInTheGroupAndTheParentIsNotOurs) {
  const V2Choice choice = choose_v2_base(
      {.controllers = "memory pids\n", .writable = true, .parent_subtree = "memory pids\n"});
  EXPECT_EQ(choice.place, V2Place::kOwnGroup);
  EXPECT_FALSE(choice.memory || choice.pids);
  EXPECT_EQ(choice.why_not, V2Choice::Why::kOthersInGroup);
}

TEST(CgroupV2Choice, GivesUpWhereItMayNotWrite) {
  const V2Choice choice = choose_v2_base({.controllers = "memory pids\n", .alone = true});
  EXPECT_EQ(choice.place, V2Place::kNowhere);
  EXPECT_EQ(choice.why_not, V2Choice::Why::kNotWritable);
}

TEST(CgroupV2Choice, StaysInTheLeafThatItMovedToBefore) {
  const V2Choice choice = choose_v2_base({.writable = true,
                                          .alone = true,
                                          .is_own_leaf = true,
                                          .parent_writable = true,
                                          .parent_controllers = "memory pids\n"});
  EXPECT_EQ(choice.place, V2Place::kParent);
  EXPECT_EQ(choice.enable, "+memory +pids");
  EXPECT_FALSE(choice.move_self);
}

TEST(CgroupV2Choice, SaysWhichControllerIsMissing) {
  const V2Choice choice =
      choose_v2_base({.controllers = "pids\n", .subtree = "pids\n", .writable = true});
  EXPECT_TRUE(choice.pids);
  EXPECT_FALSE(choice.memory);
  EXPECT_EQ(choice.why_not, V2Choice::Why::kNoController);
}

}  // namespace
}  // namespace sandpit::sys
