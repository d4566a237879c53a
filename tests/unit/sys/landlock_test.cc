// Landlock's masks: by ABI, and against the kernel that runs the tests.
#include "sys/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace sandpit::sys::landlock {
namespace {

constexpr std::initializer_list<Access> kAll = {Access::kRead, Access::kReadExecute,
                                                Access::kReadWrite, Access::kReadWriteExecute,
                                                Access::kDevice};

TEST(Landlock, HandlesWhatEachAbiAdded) {
  EXPECT_EQ(handled_fs(0), 0U);
  EXPECT_EQ(handled_fs(1), 0x1fffU);
  EXPECT_EQ(handled_fs(2), 0x3fffU);
  EXPECT_EQ(handled_fs(3), 0x7fffU);
  EXPECT_EQ(handled_fs(4), 0x7fffU);
  EXPECT_EQ(handled_fs(5), 0xffffU);
  EXPECT_EQ(handled_net(3), 0U);
  EXPECT_EQ(handled_net(4), 3U);
  EXPECT_EQ(scoped(5), 0U);
  EXPECT_EQ(scoped(6), 3U);
  EXPECT_EQ(ruleset_size(1), 8U);
  EXPECT_EQ(ruleset_size(4), 16U);
  EXPECT_EQ(ruleset_size(6), 24U);
}

TEST(Landlock, RulesStayWithinWhatIsHandled) {
  for (int version = 0; version <= 7; ++version) {
    for (const Access access : kAll) {
      for (const PathKind kind : {PathKind::kFile, PathKind::kDirectory}) {
        EXPECT_EQ(access_for(access, version, kind) & ~handled_fs(version), 0U);
      }
    }
  }
}

TEST(Landlock, NoRuleLetsDeviceNodesBeMade) {
  for (const Access access : kAll) {
    EXPECT_EQ(access_for(access, 7, PathKind::kDirectory) & (fs::kMakeChar | fs::kMakeBlock), 0U);
  }
}

// Denies everything but `access` beneath `path`, then exits with what `attempt` returns.
enum : int { kNoRuleset = 250, kNoRule, kNotRestricted };

bool add_rule(long ruleset, const char* path, Access access, PathKind kind, int version) {
  const PathBeneathAttr rule{.allowed_access = access_for(access, version, kind),
                             .parent_fd = ::open(path, O_PATH | O_CLOEXEC)};
  return ::syscall(kAddRuleCall, ruleset, kRulePathBeneath, &rule, 0) == 0;
}

template <class Attempt>
int errno_within(Access access, const char* path, PathKind kind, Attempt attempt) {
  const int version = abi();
  const pid_t child = ::fork();
  if (child == 0) {
    const RulesetAttr attr = ruleset_for(version, NetworkRules::kDenyTcp);
    const long ruleset = ::syscall(kCreateRulesetCall, &attr, ruleset_size(version), 0);
    if (ruleset < 0) ::_exit(kNoRuleset);
    if (!add_rule(ruleset, path, access, kind, version)) ::_exit(kNoRule);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::syscall(kRestrictSelfCall, ruleset, 0) != 0) {
      ::_exit(kNotRestricted);
    }
    ::_exit(attempt() < 0 ? errno : 0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Landlock, TheKernelTakesEveryRule) {
  if (abi() == 0) GTEST_SKIP() << "needs Landlock";
  for (const Access access : kAll) {
    EXPECT_EQ(errno_within(access, "/dev/null", PathKind::kFile, [] { return 0; }), 0);
    EXPECT_EQ(errno_within(access, "/tmp", PathKind::kDirectory, [] { return 0; }), 0);
  }
}

TEST(Landlock, DirectoryRightsOnAFileAreRefusedByTheKernel) {
  if (abi() == 0) GTEST_SKIP() << "needs Landlock";
  EXPECT_EQ(errno_within(Access::kRead, "/dev/null", PathKind::kDirectory, [] { return 0; }),
            kNoRule);
}

TEST(Landlock, WhatNoRuleAllowsFailsWithEacces) {
  if (abi() == 0) GTEST_SKIP() << "needs Landlock";
  const auto read_passwd = [] { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); };
  EXPECT_EQ(errno_within(Access::kRead, "/etc", PathKind::kDirectory, read_passwd), 0);
  EXPECT_EQ(errno_within(Access::kReadWriteExecute, "/tmp", PathKind::kDirectory, read_passwd),
            EACCES);
  const auto write_null = [] { return ::open("/dev/null", O_WRONLY | O_CLOEXEC); };
  EXPECT_EQ(errno_within(Access::kDevice, "/dev/null", PathKind::kFile, write_null), 0);
  EXPECT_EQ(errno_within(Access::kRead, "/dev/null", PathKind::kFile, write_null), EACCES);
  const auto execute = [] { return ::execl("/bin/true", "true", nullptr); };
  EXPECT_EQ(errno_within(Access::kRead, "/", PathKind::kDirectory, execute), EACCES);
  EXPECT_EQ(errno_within(Access::kReadExecute, "/", PathKind::kDirectory, execute), 0);
}

TEST(Landlock, TcpIsDeniedFromAbi4) {
  if (abi() < 4) GTEST_SKIP() << "needs Landlock ABI 4";
  EXPECT_EQ(errno_within(Access::kRead, "/", PathKind::kDirectory,
                         [] {
                           const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                           if (fd < 0) return -1;
                           sockaddr_in address{};
                           address.sin_family = AF_INET;
                           address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                           address.sin_port = htons(9);
                           return ::connect(fd, reinterpret_cast<sockaddr*>(&address),
                                            sizeof(address));
                         }),
            EACCES);
}

}  // namespace
}  // namespace sandpit::sys::landlock
