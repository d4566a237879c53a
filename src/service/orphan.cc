#include "service/orphan.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"
#include "sys/raw.h"

#ifdef __SANITIZE_THREAD__
// glibc's clone by its other name. ThreadSanitizer's own takes the child for a fork's and makes it
// ignore all synchronization, which with CLONE_VM is the host's thread from then on.
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
#define clone __clone
#endif

namespace sandpit {
namespace {

constexpr std::size_t kStackSize = 64U << 10U;
// Where the descriptors wait while their places are taken: above all of these.
constexpr int kAside = 16;

struct Spawn {
  const Orphan* orphan = nullptr;
  int error = 0;
  int pidfd = -1;
};

// Their frames never return and lie on a stack that AddressSanitizer does not know, in shadow
// memory that is the host's.
#define SANDPIT_ON_BORROWED_MEMORY __attribute__((no_sanitize("address", "thread", "undefined")))

// Not _exit: the sanitizers intercept it, and what they do at the end of a process they would do to
// the host's memory, for its thread that waits.
[[noreturn]] SANDPIT_ON_BORROWED_MEMORY void exit_now(int status) {
  for (;;) ::syscall(SYS_exit_group, status);
}

// 3, 4, … in their order, whichever numbers they have now. False, with errno.
SANDPIT_ON_BORROWED_MEMORY bool place_descriptors(const int* descriptors, std::size_t count) {
  int aside[kAside];
  for (std::size_t i = 0; i < count; ++i) {
    aside[i] = ::fcntl(descriptors[i], F_DUPFD_CLOEXEC, kAside);
    if (aside[i] < 0) return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (::dup2(aside[i], static_cast<int>(i) + 3) < 0) return false;
  }
  return true;
}

// Runs in a process that shares our memory while we wait for it (CLONE_VFORK): async-signal-safe
// calls only, nothing freed.
SANDPIT_ON_BORROWED_MEMORY int execute(void* argument) {
  auto* spawn = static_cast<Spawn*>(argument);
  // Ignored signals stay ignored across execve, handlers do not.
  for (int signal = 1; signal < 65; ++signal) (void)sys::raw::reset_signal(signal);
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  const Orphan& orphan = *spawn->orphan;
  if (place_descriptors(orphan.descriptors.data(), orphan.descriptors.size())) {
    // NOLINTNEXTLINE(*-const-cast): execve(2) takes it so, and leaves it alone
    char* const argv[] = {const_cast<char*>(orphan.name), nullptr};
    ::execve(orphan.path.c_str(), argv, orphan.environment);
  }
  spawn->error = errno;
  exit_now(1);
}

// The process between: never executes anything, so its exit signal stays 0 and the host's SIGCHLD
// handler and plain waitpid(-1) don't see it; its child is orphaned to init at once.
SANDPIT_ON_BORROWED_MEMORY int orphan_child(void* argument) {
  alignas(16) char stack[kStackSize];
  auto* spawn = static_cast<Spawn*>(argument);
  const int pid = ::clone(execute, stack + sizeof stack,
                          CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, argument, &spawn->pidfd);
  if (pid < 0) spawn->error = errno;
  exit_now(0);
}

}  // namespace

Result<UniqueFd> start_orphan(const Orphan& orphan) {
  if (orphan.descriptors.size() > kAside - 3) return fail(errno_error("start", E2BIG));
  // A stack of its own, twice as large as the inner one that lies on it.
  const std::size_t size = 4 * kStackSize;
  void* stack =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return fail(errno_error("mmap", errno));
  Spawn spawn{.orphan = &orphan};
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  // CLONE_FILES: the pidfd that the process between gets is ours.
  const int pid = ::clone(orphan_child, static_cast<char*>(stack) + size,
                          CLONE_VM | CLONE_VFORK | CLONE_FILES, &spawn);
  const int clone_errno = errno;
  if (pid > 0) {
    // __WCLONE: its exit signal is not SIGCHLD.
    while (::waitpid(pid, nullptr, __WCLONE) < 0 && errno == EINTR) {
    }
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  (void)::munmap(stack, size);
  UniqueFd pidfd(spawn.pidfd);
  const int error = pid < 0 ? clone_errno : spawn.error;
  if (error != 0) {
    return fail(errno_error(fmt::format("start {}", orphan.path), error, ErrorCode::kSandbox));
  }
  return pidfd;
}

}  // namespace sandpit
