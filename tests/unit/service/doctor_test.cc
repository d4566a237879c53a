#include "service/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <string>

#include "sys/cgroup_file.h"
#include "sys/host_facts.h"

namespace sandpit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Doctor, SaysForEverythingMissingWhatIsLost) {
  const auto items = run_doctor();
  std::set<std::string> names;
  for (const DoctorItem& item : items) {
    EXPECT_TRUE(names.insert(item.name).second) << item.name << " twice";
    EXPECT_FALSE(item.detail.empty()) << item.name;
    EXPECT_EQ(item.lost.empty(), item.state == DoctorState::kPresent) << item.name;
    if (item.state == DoctorState::kAbsent) {
      EXPECT_FALSE(item.mend.empty()) << item.name;
    }
    RecordProperty(item.name, to_string(item.state));
    std::printf("%-9s %s: %s | %s | %s\n", to_string(item.state), item.name.c_str(),
                item.detail.c_str(), item.lost.c_str(), item.mend.c_str());
  }
  for (const char* name : {"user namespaces", "pid namespaces", "fresh /proc", "mount_setattr",
                           "Landlock", "seccomp filters", "cgroup memory", "state directory"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Doctor, LeavesTheProcessInItsNamespacesAndMounts) {
  const auto look = [] {
    return sys::read_path("/proc/self/mountinfo").value_or("") +
           sys::read_path("/proc/self/cgroup").value_or("") +
           sys::read_path("/proc/self/uid_map").value_or("");
  };
  const std::string before = look();
  (void)run_doctor();
  EXPECT_EQ(look(), before);
}

TEST(Doctor, NamesWhatIsMountedOverProc) {
  EXPECT_THAT(overmounts_of_proc("22 27 0:21 / /proc rw - proc proc rw\n"
                                 "23 22 0:21 /sys /proc/sys ro - proc proc rw\n"
                                 "24 22 0:5 /null /proc/kcore rw - tmpfs tmpfs rw\n"
                                 "25 27 0:6 / /process rw - tmpfs tmpfs rw\n"),
              ElementsAre("/proc/sys", "/proc/kcore"));
}

TEST(Doctor, TellsTheReasonsForLackOfUserNamespacesApart) {
  EXPECT_EQ(explain_user_namespaces({.error = 0}).state, DoctorState::kPresent);
  EXPECT_THAT(explain_user_namespaces({.error = ENOSPC, .max_user_namespaces = "0"}).mend,
              HasSubstr("user.max_user_namespaces="));
  EXPECT_THAT(explain_user_namespaces(
                  {.error = EPERM, .max_user_namespaces = "9", .unprivileged_clone = "0"})
                  .mend,
              HasSubstr("kernel.unprivileged_userns_clone=1"));
  const DoctorItem apparmor = explain_user_namespaces({.error = EPERM, .apparmor_restricts = "1"});
  EXPECT_THAT(apparmor.mend, HasSubstr("apparmor_parser -r"));
  EXPECT_THAT(apparmor.mend, HasSubstr("userns,"));
  EXPECT_THAT(explain_user_namespaces({.error = EPERM, .under_seccomp = true}).mend,
              HasSubstr("seccomp=unconfined"));
  EXPECT_THAT(explain_user_namespaces({.error = EINVAL}).mend, HasSubstr("CONFIG_USER_NS"));
}

TEST(Doctor, TellsTheReasonsForLackOfLandlockApart) {
  EXPECT_EQ(explain_landlock({.abi = 4}).state, DoctorState::kPresent);
  EXPECT_THAT(explain_landlock({.abi = 2}).mend, HasSubstr("Linux 6.7"));
  EXPECT_THAT(explain_landlock({.error = EOPNOTSUPP, .lsm = "lockdown,yama"}).mend,
              HasSubstr("boot with lsm=landlock,lockdown,yama"));
  EXPECT_THAT(explain_landlock({.error = ENOSYS, .under_seccomp = true}).mend,
              HasSubstr("landlock_create_ruleset"));
  EXPECT_THAT(explain_landlock({.error = ENOSYS}).mend, HasSubstr("CONFIG_SECURITY_LANDLOCK"));
}

}  // namespace
}  // namespace sandpit
