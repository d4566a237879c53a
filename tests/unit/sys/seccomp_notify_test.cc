// Filters whose denials are heard of give the same errno as silent ones.
#include "sys/seccomp_notify.h"

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "sys/file_calls.h"
#include "sys/seccomp.h"
#include "sys/seccomp_profile.h"

namespace sandpit::sys {
namespace {

const std::uint32_t kArch = audit_arch(kNativeArchitecture);

std::uint32_t action_of(std::uint32_t verdict) { return verdict & SECCOMP_RET_ACTION_FULL; }

TEST(SeccompNotify, AnswersWithTheErrnoOfTheSilentFilter) {
  // Flags, families and requests that rows test for, and their surroundings.
  const std::uint64_t words[] = {0,  1,      2,      3,          4,          7,           16,
                                 17, 0x5412, 0x8000, 0x10000000, 0x7fffffff, 0x100000001, ~0ULL};
  for (const std::string_view name : builtin_profile_names()) {
    const auto loud = filter_for(name, {}, {}, Reporting::kNotified);
    const auto silent = filter_for(name, {}, {}, Reporting::kSilent);
    ASSERT_TRUE(loud && silent) << name;
    EXPECT_FALSE(has_notifications(*silent)) << name;
    for (int number = -1; number < 480; ++number) {
      for (std::size_t i = 0; i < std::size(words); ++i) {
        const std::uint64_t arguments[] = {words[i],
                                           words[(i * 3 + 1) % std::size(words)],
                                           words[(i * 5 + 2) % std::size(words)],
                                           words[(i * 7 + 3) % std::size(words)],
                                           0,
                                           0};
        const std::uint32_t a = evaluate(*loud, kArch, number, arguments);
        const std::uint32_t b = evaluate(*silent, kArch, number, arguments);
        if (a == (SECCOMP_RET_USER_NOTIF | kObserved)) {
          EXPECT_EQ(b, SECCOMP_RET_ALLOW) << name << ' ' << number;
        } else if (action_of(a) == SECCOMP_RET_USER_NOTIF) {
          EXPECT_EQ(b, SECCOMP_RET_ERRNO | (a & SECCOMP_RET_DATA)) << name << ' ' << number;
        } else {
          EXPECT_EQ(a, b) << name << ' ' << number;
        }
      }
    }
  }
}

TEST(SeccompNotify, NeverAsksForWhatInitAndTheStartOfAProgramCall) {
  for (const std::string_view name : builtin_profile_names()) {
    const auto filter = filter_for(name, {}, {}, Reporting::kNotified);
    ASSERT_TRUE(filter.has_value());
    for (const int number :
         {SYS_sendmsg, SYS_close, SYS_vfork, SYS_poll, SYS_read, SYS_wait4, SYS_exit_group,
          SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_setsid, SYS_dup2, SYS_fcntl, SYS_close_range,
          SYS_execve, SYS_sendto, SYS_clock_gettime, SYS_write, SYS_futex}) {
      EXPECT_NE(action_of(evaluate(*filter, kArch, number, {})), SECCOMP_RET_USER_NOTIF)
          << name << ' ' << syscall_name(number);
    }
    // What every C library tries first, and does without.
    EXPECT_NE(action_of(evaluate(*filter, kArch, SYS_clone3, {})), SECCOMP_RET_USER_NOTIF) << name;
  }
}

TEST(SeccompNotify, HearsOfWhatTheUserDeniesButForInitsOwnCalls) {
  const std::vector<std::string> deny = {"connect", "close"};
  const auto filter = filter_for("interpreter", {}, deny, Reporting::kNotified);
  ASSERT_TRUE(filter.has_value());
  EXPECT_EQ(evaluate(*filter, kArch, SYS_connect, {}), SECCOMP_RET_USER_NOTIF | EPERM);
  EXPECT_EQ(evaluate(*filter, kArch, SYS_close, {}), SECCOMP_RET_ERRNO | EPERM);
}

TEST(SeccompNotify, ObservesWhereProgramsWantToGoUntilItIsToldNotTo) {
  auto filter = filter_for("interpreter", {}, {}, Reporting::kNotified);
  ASSERT_TRUE(filter.has_value());
  const std::uint64_t with_address[] = {0, 0, 0, 0, 1, 16};
  EXPECT_EQ(evaluate(*filter, kArch, SYS_connect, {}), SECCOMP_RET_USER_NOTIF | kObserved);
  EXPECT_EQ(evaluate(*filter, kArch, SYS_sendto, with_address), SECCOMP_RET_USER_NOTIF | kObserved);
  EXPECT_EQ(evaluate(*filter, kArch, SYS_sendto, {}), SECCOMP_RET_ALLOW);
  stop_observing(filter->data(), filter->size());
  EXPECT_EQ(evaluate(*filter, kArch, SYS_connect, {}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(evaluate(*filter, kArch, SYS_sendto, with_address), SECCOMP_RET_ALLOW);
  EXPECT_EQ(evaluate(*filter, kArch, SYS_ptrace, {}), SECCOMP_RET_USER_NOTIF | EPERM);
}

TEST(SeccompNotify, IsSilentWhereTheListenerCouldNotBeSent) {
  const std::vector<std::string> deny = {"sendmsg"};
  const auto filter = filter_for("interpreter", {}, deny, Reporting::kNotified);
  ASSERT_TRUE(filter.has_value());
  EXPECT_FALSE(has_notifications(*filter));
  EXPECT_EQ(evaluate(*filter, kArch, SYS_ptrace, {}), SECCOMP_RET_ERRNO | EPERM);
}

TEST(SeccompNotify, ATraceChangesNoVerdict) {
  const std::uint64_t words[] = {0, 1, 2, 0x800, 0x1000, 0x6000, 0x10000000, ~0ULL};
  const std::vector<std::string> allow = {"openat2"};
  for (const std::string_view name : builtin_profile_names()) {
    const auto traced = filter_for(name, allow, {}, Reporting::kWithFiles);
    const auto silent = filter_for(name, allow, {}, Reporting::kSilent);
    ASSERT_TRUE(traced && silent) << name;
    auto silenced = *traced;
    silence(silenced.data(), silenced.size());
    for (int number = -1; number < 480; ++number) {
      for (const std::uint64_t word : words) {
        const std::uint64_t arguments[] = {word, word, word, word, word, word};
        const std::uint32_t wanted = evaluate(*silent, kArch, number, arguments);
        const std::uint32_t a = evaluate(*traced, kArch, number, arguments);
        if (a == (SECCOMP_RET_USER_NOTIF | kTraced)) {
          EXPECT_EQ(wanted, SECCOMP_RET_ALLOW) << name << ' ' << number;
          EXPECT_FALSE(file_calls(syscall_name(number)).empty()) << number;
        }
        EXPECT_EQ(evaluate(silenced, kArch, number, arguments), wanted) << name << ' ' << number;
      }
    }
  }
}

TEST(SeccompNotify, ATraceHearsOfEachCallThatNamesAFileAndIsAllowed) {
  const std::vector<std::string> allow = {"openat2"};
  const auto filter = filter_for("interpreter", allow, {}, Reporting::kWithFiles);
  ASSERT_TRUE(filter.has_value());
  for (const int number : {SYS_open, SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_execve,
                           SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_readlinkat, SYS_chdir}) {
    EXPECT_EQ(evaluate(*filter, kArch, number, {}), SECCOMP_RET_USER_NOTIF | kTraced)
        << syscall_name(number);
  }
  EXPECT_EQ(evaluate(*filter, kArch, SYS_sendmsg, {}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(evaluate(*filter, kArch, SYS_ptrace, {}), SECCOMP_RET_USER_NOTIF | EPERM);
}

TEST(SeccompNotify, TheLintWorkerHasNobodyToListen) {
  EXPECT_FALSE(has_notifications(builtin_profile("lint-worker")->program));
}

}  // namespace
}  // namespace sandpit::sys
