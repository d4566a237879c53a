// The lint worker's lock on itself, each attempt in a forked child: what it holds against, and that
// the same attempt works without it.
#include "lint/lockdown.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace sandpit::lint {
namespace {

constexpr int kDenied = 100;
constexpr int kNotLocked = 101;
constexpr int kPipe = 4;  // the one descriptor that may be written to

enum class State : std::uint8_t { kFree, kLocked };

bool lock() {
  if (::fcntl(STDERR_FILENO, F_GETFD) >= 0) (void)::dup2(STDERR_FILENO, kPipe);
  constexpr std::array keep{kPipe};
  return lock_in({.keep = keep, .memory = 512ULL << 20U, .cpu_seconds = 2}).has_value();
}

// The wait status of a child that makes the attempt: exit 0 when it succeeded, kDenied when not.
template <class Attempt>
int outcome_of(State state, Attempt attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (state == State::kLocked && !lock()) ::_exit(kNotLocked);
    ::_exit(attempt() ? 0 : kDenied);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

void spin() {
  volatile bool for_ever = true;
  while (for_ever) {
  }
}

bool succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

template <class Attempt>
void expect_denied(const char* what, Attempt attempt) {
  EXPECT_TRUE(succeeded(outcome_of(State::kFree, attempt))) << what << ": not even without a lock";
  const int status = outcome_of(State::kLocked, attempt);
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
  EXPECT_TRUE(killed || (WIFEXITED(status) && WEXITSTATUS(status) == kDenied))
      << what << ": status " << status;
}

class LintLockdown : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP()
        << "needs a build without sanitizers: theirs make system calls that the worker has not";
#endif
  }
};

TEST_F(LintLockdown, LetsTheWorkerComputeAndAnswer) {
  EXPECT_TRUE(succeeded(outcome_of(State::kLocked, [] {
    void* memory = std::malloc(64U << 20U);
    if (memory == nullptr) return false;
    std::free(memory);
    return ::write(kPipe, "", 0) == 0;
  })));
}

TEST_F(LintLockdown, OpensNoFile) {
  expect_denied("openat", [] { return ::open("/dev/null", O_RDONLY) >= 0; });
  expect_denied("creat", [] { return ::creat("/tmp/sandpit-lint-lockdown", 0600) >= 0; });
  (void)::unlink("/tmp/sandpit-lint-lockdown");
  expect_denied("memfd", [] { return ::memfd_create("x", 0) >= 0; });
}

TEST_F(LintLockdown, SpeaksToNobody) {
  expect_denied("socket", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; });
  expect_denied("socketpair", [] {
    std::array<int, 2> ends{};
    return ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0;
  });
  expect_denied("pipe", [] {
    std::array<int, 2> ends{};
    return ::pipe(ends.data()) == 0;
  });
}

TEST_F(LintLockdown, SignalsAndReadsNobody) {
  expect_denied("kill", [] { return ::kill(::getppid(), 0) == 0; });
  expect_denied("tgkill", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0) == 0; });
  expect_denied("ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; });
}

TEST_F(LintLockdown, StartsNothing) {
  expect_denied("fork", [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child > 0;
  });
  expect_denied("execve", [] {
    char name[] = "/bin/true";
    char* const argv[] = {name, nullptr};
    ::execv(name, argv);
    return false;
  });
}

TEST_F(LintLockdown, MakesNoCode) {
  const auto map = [](int protection) {
    return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  expect_denied("mmap", [&] { return map(PROT_READ | PROT_WRITE | PROT_EXEC) != MAP_FAILED; });
  expect_denied("mprotect", [&] {
    return ::mprotect(map(PROT_READ | PROT_WRITE), 4096, PROT_READ | PROT_EXEC) == 0;
  });
}

TEST_F(LintLockdown, WritesToItsPipeOnly) {
  expect_denied("another descriptor", [] { return ::write(STDERR_FILENO, "", 0) == 0; });
}

TEST_F(LintLockdown, CantTakeItBack) {
  expect_denied("dumpable", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0; });
  expect_denied("setrlimit", [] {
    rlimit limit{.rlim_cur = 0, .rlim_max = 0};
    return ::setrlimit(RLIMIT_CORE, &limit) == 0;
  });
}

TEST_F(LintLockdown, TakesNoMoreMemoryThanItMay) {
  expect_denied("memory", [] {
    return ::mmap(nullptr, 600U << 20U, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED;
  });
}

TEST_F(LintLockdown, EndsAnEndlessLoop) {
  const int status = outcome_of(State::kLocked, [] {
    spin();
    return true;
  });
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
}

TEST_F(LintLockdown, LeavesRootBehind) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  // getuid(2) is not among the calls it may make: /proc tells it.
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::dup2(ends[1], kPipe);
    constexpr std::array keep{kPipe};
    if (!lock_in({.keep = keep, .memory = 512ULL << 20U}).has_value()) ::_exit(kNotLocked);
    if (::write(kPipe, "x", 1) != 1) ::_exit(kDenied);
    spin();
  }
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  const std::string path = "/proc/" + std::to_string(child) + "/status";
  std::string status(8192, '\0');
  const int fd = ::open(path.c_str(), O_RDONLY);
  const ssize_t size = ::read(fd, status.data(), status.size());
  ASSERT_GT(size, 0);
  status.resize(static_cast<std::size_t>(size));
  EXPECT_NE(status.find("Uid:\t65534\t65534\t65534\t65534"), std::string::npos) << status;
  EXPECT_NE(status.find("Gid:\t65534\t65534\t65534\t65534"), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(fd);
  ::close(ends[0]);
}

}  // namespace
}  // namespace sandpit::lint
