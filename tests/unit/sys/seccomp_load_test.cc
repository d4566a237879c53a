// Filters loaded into the kernel for real, each in a forked child, and what a program then sees.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sys/seccomp.h"
#include "sys/seccomp_notify.h"

namespace sandpit::sys {
namespace {

constexpr int kNotLoaded = 254;

bool load(std::string_view profile) {
  const BuiltinProfile* builtin = builtin_profile(profile);
  if (builtin == nullptr) return false;
  BpfProgram filter(builtin->program.begin(), builtin->program.end());
  silence(filter.data(), filter.size());  // nobody listens here
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// The wait status of a child that loads the profile and exits with what `attempt` returns.
template <class Attempt>
int status_under(std::string_view profile, Attempt attempt) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(load(profile) ? attempt() : kNotLoaded);
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

// 0 when the call succeeded, else its errno.
template <class Call>
int errno_under(std::string_view profile, Call call) {
  const int status = status_under(profile, [&] { return call() < 0 ? errno : 0; });
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_NE(WEXITSTATUS(status), kNotLoaded) << "the kernel refused the filter";
  return WEXITSTATUS(status);
}

TEST(SeccompKernel, TakesEveryBuiltinFilter) {
  for (const std::string_view name : builtin_profile_names()) {
    // The one thing that each of them lets a process do is to end. At once: a sanitizer's first
    // look at another function's frame would map memory, which some of them kill for.
    const pid_t child = ::fork();
    if (child == 0) ::syscall(SYS_exit_group, load(name) ? 0 : kNotLoaded);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << name << ": signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0) << name << ": the kernel refused the filter";
  }
}

TEST(SeccompKernel, DeniedPtraceFailsWithEperm) {
  EXPECT_EQ(errno_under("native", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }),
            EPERM);
}

TEST(SeccompKernel, NewNamespacesFailWithEperm) {
  EXPECT_EQ(errno_under("native", [] { return ::unshare(CLONE_NEWUSER); }), EPERM);
  EXPECT_EQ(errno_under("native",
                        [] {
                          const long pid =
                              ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
                          if (pid == 0) ::_exit(0);
                          return pid;
                        }),
            EPERM);
}

TEST(SeccompKernel, Clone3LooksAbsent) {
  EXPECT_EQ(errno_under("native", [] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
}

TEST(SeccompKernel, UnknownCallsLookAbsent) {
  EXPECT_EQ(errno_under("interpreter", [] { return ::syscall(590); }), ENOSYS);
}

TEST(SeccompKernel, TerminalInjectionFailsWhateverTheHighBits) {
  constexpr unsigned long kHigh = 1UL << 32;
  for (const unsigned long request : {0UL + TIOCSTI, TIOCSTI | kHigh, 0UL + TIOCSETD}) {
    EXPECT_EQ(errno_under("interpreter", [&] { return ::syscall(SYS_ioctl, 0, request, "x"); }),
              EPERM);
  }
  EXPECT_EQ(errno_under("interpreter", [] { return ::syscall(SYS_ioctl, -1, FIONREAD, 0); }),
            EBADF);
}

TEST(SeccompKernel, OnlyPlainSocketsAreMade) {
  const auto socket_errno = [](int family, int type, int protocol) {
    return errno_under("interpreter", [=] { return ::socket(family, type, protocol); });
  };
  EXPECT_EQ(socket_errno(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
  EXPECT_EQ(socket_errno(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP), 0);
  EXPECT_EQ(socket_errno(AF_INET, SOCK_DGRAM, 0), 0);
  EXPECT_EQ(socket_errno(AF_INET, SOCK_RAW, IPPROTO_ICMP), EAFNOSUPPORT);
  EXPECT_EQ(socket_errno(AF_INET, SOCK_STREAM, 262 /* MPTCP */), EAFNOSUPPORT);
  EXPECT_EQ(socket_errno(AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT);
  EXPECT_EQ(socket_errno(AF_NETLINK, SOCK_RAW, 0), EAFNOSUPPORT);
  EXPECT_EQ(socket_errno(AF_ALG, SOCK_SEQPACKET, 0), EAFNOSUPPORT);
  EXPECT_EQ(socket_errno(AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT);
}

TEST(SeccompKernel, PersonalityCanOnlyBeAsked) {
  EXPECT_EQ(errno_under("native", [] { return ::personality(0xffffffff); }), 0);
  EXPECT_EQ(errno_under("native", [] { return ::personality(ADDR_NO_RANDOMIZE); }), EPERM);
  EXPECT_EQ(errno_under("native", [] { return ::personality(READ_IMPLIES_EXEC); }), EPERM);
}

TEST(SeccompKernel, DeviceNodesAreDeniedAndFifosAreNot) {
  EXPECT_EQ(errno_under("native", [] { return ::mknod("/nonexistent/d", S_IFCHR | 0600, 0x103); }),
            EPERM);
  EXPECT_EQ(errno_under("native", [] { return ::mknod("/nonexistent/f", S_IFIFO | 0600, 0); }),
            ENOENT);
}

TEST(SeccompKernel, LimitsOfOthersAreOutOfReach) {
  const pid_t parent = ::getpid();
  EXPECT_EQ(errno_under("native", [=] { return ::prlimit(parent, RLIMIT_CORE, nullptr, nullptr); }),
            EPERM);
  rlimit limit{};
  EXPECT_EQ(errno_under("native", [&] { return ::getrlimit(RLIMIT_CORE, &limit); }), 0);
}

int make_executable_memory() {
  void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? 0 : ::mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

TEST(SeccompKernel, ExecutableMemoryIsForJitProfilesOnly) {
  EXPECT_EQ(errno_under("interpreter", make_executable_memory), EACCES);
  EXPECT_EQ(errno_under("jit", make_executable_memory), 0);
  const auto memory_file = [] { return ::memfd_create("x", MFD_CLOEXEC); };
  EXPECT_EQ(errno_under("interpreter", memory_file), ENOSYS);
  EXPECT_EQ(errno_under("jit", memory_file), 0);
}

TEST(SeccompKernel, SyncPretendsAndSyncfsLooksAbsent) {
  EXPECT_EQ(errno_under("interpreter", [] { return ::syscall(SYS_sync); }), 0);
  EXPECT_EQ(errno_under("interpreter", [] { return ::syncfs(0); }), ENOSYS);
}

TEST(SeccompKernel, RealTimeSchedulingFails) {
  const sched_param one{.sched_priority = 1};
  const sched_param zero{.sched_priority = 0};
  EXPECT_EQ(errno_under("native", [&] { return ::sched_setscheduler(0, SCHED_FIFO, &one); }),
            EPERM);
  EXPECT_EQ(errno_under("native", [&] { return ::sched_setscheduler(0, SCHED_BATCH, &zero); }), 0);
}

TEST(SeccompKernel, KernelFacilitiesForAdministratorsFail) {
  const auto call = [](long number, long a = 0, long b = 0) {
    return errno_under("native", [=] { return ::syscall(number, a, b, 0L, 0L, 0L); });
  };
  EXPECT_EQ(call(SYS_bpf), EPERM);
  EXPECT_EQ(call(SYS_keyctl, KEYCTL_GET_KEYRING_ID), EPERM);
  EXPECT_EQ(call(SYS_mount), EPERM);
  EXPECT_EQ(call(SYS_setuid, 0), EPERM);
  EXPECT_EQ(call(SYS_userfaultfd), EPERM);
  EXPECT_EQ(call(SYS_io_uring_setup, 1), ENOSYS);
  EXPECT_EQ(call(SYS_prctl, PR_SET_MM), EINVAL);
  EXPECT_EQ(call(SYS_prctl, PR_SET_NAME | 1L << 32, 0), EFAULT);  // the kernel sees PR_SET_NAME
}

// The worker itself is started under wasm-host, and denies execve to itself.
TEST(SeccompKernel, ProgramsStartUnderTheInterpreterProfileAndNoProcessUnderWasmHost) {
  const auto start = [] { return ::execl("/bin/true", "true", nullptr); };
  EXPECT_EQ(errno_under("interpreter", start), 0);
  EXPECT_EQ(errno_under("wasm-host", start), 0);
  EXPECT_EQ(errno_under("wasm-host", [] { return ::fork(); }), EPERM);
  EXPECT_EQ(errno_under("wasm-host", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }), EPERM);
  EXPECT_EQ(errno_under("wasm-host-net", [] { return ::fork(); }), EPERM);
  EXPECT_EQ(errno_under("wasm-host-net", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }), 0);
}

TEST(SeccompKernel, X32CallsKill) {
#if defined(__x86_64__)
  const int status = status_under("native", [] { return ::syscall(0x40000000 | SYS_getpid) < 0; });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
#else
  GTEST_SKIP() << "needs x86_64";
#endif
}

TEST(SeccompKernel, CallsThroughThe32BitGateKill) {
#if defined(__x86_64__)
  const int status = status_under("native", [] {
    int result = 20;  // getpid of i386
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    return result < 0 ? 1 : 0;
  });
  // Without CONFIG_IA32_EMULATION the gate itself faults.
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV) << WTERMSIG(status);
#else
  GTEST_SKIP() << "needs x86_64";
#endif
}

}  // namespace
}  // namespace sandpit::sys
