#include "service/launcher_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/own_path.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/error.h"
#include "service/wire.h"
#include "sys/raw.h"

#ifdef __SANITIZE_THREAD__
// glibc's clone by its other name. ThreadSanitizer's own takes the child for a fork's and makes it
// ignore all synchronization, which with CLONE_VM is the host's thread from then on.
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
#define clone __clone
#endif

namespace sandpit {
namespace {

struct Spawn {
  const char* path = nullptr;
  int control = -1;
  int error = 0;
  char* const* environment = nullptr;
};

constexpr std::size_t kStackSize = 64U << 10U;

// Their frames never return and lie on a stack that AddressSanitizer does not know, in shadow
// memory that is the host's.
#define SANDPIT_ON_BORROWED_MEMORY __attribute__((no_sanitize("address", "thread", "undefined")))

// Not _exit: the sanitizers intercept it, and what they do at the end of a process they would do to
// the host's memory, for its thread that waits.
[[noreturn]] SANDPIT_ON_BORROWED_MEMORY void exit_now(int status) {
  for (;;) ::syscall(SYS_exit_group, status);
}

// Runs in a process that shares our memory while we wait for it (CLONE_VFORK): async-signal-safe
// calls only, nothing freed.
SANDPIT_ON_BORROWED_MEMORY int exec_launcher(void* argument) {
  auto* spawn = static_cast<Spawn*>(argument);
  // Ignored signals stay ignored across execve, handlers do not.
  for (int signal = 1; signal < 65; ++signal) (void)sys::raw::reset_signal(signal);
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  // dup2 onto itself would leave CLOEXEC set.
  if (spawn->control == 3) {
    (void)::fcntl(3, F_SETFD, 0);
  } else if (::dup2(spawn->control, 3) < 0) {
    spawn->error = errno;
    exit_now(1);
  }
  char name[] = "sandpit-launcher";
  char* const argv[] = {name, nullptr};
  ::execve(spawn->path, argv, spawn->environment);
  spawn->error = errno;
  exit_now(1);
}

// The process between: never executes anything, so its exit signal stays 0 and the host's SIGCHLD
// handler and plain waitpid(-1) don't see it; its child, the launcher, is orphaned to init at once.
SANDPIT_ON_BORROWED_MEMORY int orphan_launcher(void* argument) {
  alignas(16) char stack[kStackSize];
  const int pid =
      ::clone(exec_launcher, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  if (pid < 0) static_cast<Spawn*>(argument)->error = errno;
  exit_now(0);
}

Result<void> spawn_orphan(const std::string& path, int control) {
  // A stack of its own, twice as large as the inner one that lies on it.
  const std::size_t size = 4 * kStackSize;
  void* stack =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return fail(errno_error("mmap", errno));
  Spawn spawn{.path = path.c_str(), .control = control, .error = 0, .environment = environ};
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int pid =
      ::clone(orphan_launcher, static_cast<char*>(stack) + size, CLONE_VM | CLONE_VFORK, &spawn);
  const int clone_errno = errno;
  if (pid > 0) {
    // __WCLONE: its exit signal is not SIGCHLD.
    while (::waitpid(pid, nullptr, __WCLONE) < 0 && errno == EINTR) {
    }
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  (void)::munmap(stack, size);
  if (pid < 0) return fail(errno_error("start the launcher", clone_errno, ErrorCode::kSandbox));
  if (spawn.error != 0) {
    return fail(
        errno_error(fmt::format("start the launcher {}", path), spawn.error, ErrorCode::kSandbox));
  }
  return {};
}

}  // namespace

Result<std::string> find_launcher(const std::string& configured) {
  std::vector<std::string> tried{configured};
  std::string path = configured.empty()
                         ? find_own_program("sandpit-launcher", "SANDPIT_LAUNCHER", &tried)
                     : ::access(configured.c_str(), X_OK) == 0 ? configured
                                                               : std::string();
  if (!path.empty()) return path;
  return fail({.code = ErrorCode::kSandbox,
               .message = fmt::format("no launcher at {}", fmt::join(tried, ", ")),
               .hint = "set SandboxOptions::launcher or SANDPIT_LAUNCHER to sandpit-launcher"});
}

Result<std::unique_ptr<LauncherClient>> LauncherClient::start(const std::string& path) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  SP_TRY_VOID(spawn_orphan(path, theirs.get()));
  theirs.reset();
  auto hello = wire::receive(ours.get(), wire::Blocking::kWait);
  if (!hello) {
    Error error = hello.error();
    error.code = ErrorCode::kSandbox;
    return fail(with_context(std::move(error), "the launcher ended"));
  }
  if (hello->kind == wire::Kind::kError) return fail(wire::decode_error(hello->body));
  SP_TRY(HostFacts facts, wire::decode_facts(hello->body));
  return std::unique_ptr<LauncherClient>(new LauncherClient(std::move(ours), std::move(facts)));
}

LauncherClient::~LauncherClient() {
  // In a child of fork(2) the sockets are the parent's too: shutdown(2) would end its launcher.
  if (::getpid() != owner_) return;
  idle_.clear();
  (void)::shutdown(control_.get(), SHUT_WR);
  // The launcher's end closes when it has removed everything and exits.
  constexpr int kPatienceMs = 10'000;
  pollfd gone{.fd = control_.get(), .events = 0, .revents = 0};
  while (::poll(&gone, 1, kPatienceMs) < 0 && errno == EINTR) {
  }
}

Result<UniqueFd> LauncherClient::take_channel() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      UniqueFd channel = std::move(idle_.back());
      idle_.pop_back();
      return channel;
    }
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto sent =
      wire::send(control_.get(), wire::Kind::kChannel, {}, {theirs.get()}, wire::Blocking::kWait);
  if (!sent) {
    Error error = sent.error();
    error.code = ErrorCode::kSandbox;
    return fail(with_context(std::move(error), "the launcher has ended"));
  }
  return ours;
}

void LauncherClient::give_back(UniqueFd channel) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(channel));
}

}  // namespace sandpit
