#include "sys/host_facts.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "sys/cgroup.h"

namespace sandpit::sys {
namespace {

TEST(HostFacts, ReadsKernelReleases) {
  EXPECT_EQ(parse_kernel_release("6.18.44-fc-v657").major, 6U);
  EXPECT_EQ(parse_kernel_release("6.18.44-fc-v657").minor, 18U);
  EXPECT_EQ(parse_kernel_release("5.4-rc1").minor, 4U);
  EXPECT_EQ(parse_kernel_release("nonsense").major, 0U);
  EXPECT_EQ(parse_kernel_release("6").major, 0U);
}

TEST(HostFacts, TellsTheIdentityMapFromAContainersMap) {
  EXPECT_TRUE(is_identity_map("         0          0 4294967295\n"));
  EXPECT_FALSE(is_identity_map("         0     100000      65536\n"));
  EXPECT_FALSE(is_identity_map("         0          0      65536\n"));
  EXPECT_FALSE(is_identity_map("0 0 4294967295\n1 2 3\n"));
  EXPECT_FALSE(is_identity_map(""));
}

TEST(HostFacts, AgreesWithWhatThisProcessCanSee) {
  const HostFacts facts = probe_facts(CgroupHost::probe());
  EXPECT_TRUE(facts.kernel_at_least(5, 4));
  EXPECT_EQ(facts.uid, ::geteuid());
  EXPECT_EQ(facts.gid, ::getegid());
  EXPECT_EQ(facts.landlock_abi, landlock_abi());
  if (::geteuid() != 0) {
    EXPECT_FALSE(facts.is_root);
  }
}

TEST(HostFacts, TakesRootOfAUserNamespaceForAnOrdinaryUser) {
  if (::geteuid() != 0 || !probe_facts(CgroupHost::probe()).is_root) GTEST_SKIP() << "needs root";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWUSER) < 0) ::_exit(2);
    ::_exit(probe_facts(CgroupHost::probe()).is_root ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "needs user namespaces";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sandpit::sys
