#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/warm/library.h"
#include "engine/warm/run_image.h"

namespace sandpit::warm {
namespace {

constinit TemplateState state;
pid_t main_thread = 0;
// Armed by the constructor; disarmed for ever by the first fork, or where there is no template.
bool armed = false;
char trigger[4096];
char prelude[4096];
int record = -1;  // of this run's program, until it has been opened

alignas(16) char block[kLargestImage];

// The environment as the program shall find it: neither the loader nor a child of the program may
// see what made this process a template.
void forget(const char* name) {
  char* value = ::getenv(name);
  ::unsetenv(name);
  // The string itself is what /proc/self/environ shows.
  if (value != nullptr) ::memset(value, 'x', ::strlen(value));
}

void keep(int& descriptor, int number) {
  descriptor = ::fcntl(number, F_DUPFD_CLOEXEC, 100);
  ::close(number);
}

__attribute__((constructor)) void become_template() {
  const char* path = ::getenv(kTriggerVariable);
  if (path == nullptr) return;
  ::strncpy(trigger, path, sizeof trigger - 1);
  if (const char* file = ::getenv(kPreludeVariable); file != nullptr) {
    ::strncpy(prelude, file, sizeof prelude - 1);
  }
  forget(kTriggerVariable);
  forget(kPreludeVariable);
  forget("LD_PRELOAD");
  keep(state.control, kControlDescriptor);
  keep(state.init, kInitDescriptor);
  ::close(kLibraryDescriptor);
  for (int& network : state.networks) network = -1;
  main_thread = ::getpid();
  armed = state.control >= 0 && state.init >= 0;
}

void become_waiting() {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  (void)::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kAll, &state.signal_mask, 8);
  // Runs end as zombies of ours otherwise, and stay charged to their cgroups.
  (void)::syscall(SYS_rt_sigaction, SIGCHLD, nullptr, state.child_action, 8);
  constexpr unsigned long kNoZombies[4] = {0, SA_NOCLDWAIT, 0, 0};
  (void)::syscall(SYS_rt_sigaction, SIGCHLD, kNoZombies, nullptr, 8);
  char ready = 'r';
  if (::send(state.control, &ready, 1, MSG_NOSIGNAL) != 1) ::_exit(125);
}

// Takes one message; false: the launcher is gone.
bool receive(std::size_t& size, int* descriptors, std::size_t& count) {
  iovec part{.iov_base = block, .iov_len = sizeof block};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t n = 0;
  do {
    n = ::recvmsg(state.control, &header, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return false;
  size = static_cast<std::size_t>(n);
  count = 0;
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    ::memcpy(descriptors, CMSG_DATA(rights), count * sizeof(int));
  }
  return true;
}

// A template's life. Comes back in a run's program, with the descriptor of its record.
int serve() {
  prepare_runtime(prelude);
  become_waiting();
  for (;;) {
    std::size_t size = 0;
    std::size_t count = 0;
    int descriptors[kMostDescriptors];
    if (!receive(size, descriptors, count)) ::_exit(0);
    if (relocate(block, size, descriptors, count)) {
      // NOLINTNEXTLINE(*-reinterpret-cast): relocate() has checked it
      const Forked forked = fork_run(state, *reinterpret_cast<RunImage*>(block));
      if (forked.side == Side::kProgram) return forked.record;
    }
    for (std::size_t i = 0; i < count; ++i) ::close(descriptors[i]);
  }
}

// Called with every path that is opened. Answers what the caller shall get instead, else -1.
int opened(const char* path) {
  if (path == nullptr || path[0] != '/') return -1;
  // Only the main thread's stack is what a fork goes on with.
  if (armed && ::strcmp(path, trigger) == 0 && ::syscall(SYS_gettid) == main_thread) {
    record = serve();
    armed = false;
    revive_runtime();
  }
  if (record < 0 || ::strcmp(path, kRecordPath) != 0) return -1;
  const int fd = record;
  record = -1;
  return fd;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));  // NOLINT(*-reinterpret-cast)
}

mode_t mode_of(int flags, va_list arguments) {
  const bool there = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return there ? va_arg(arguments, mode_t) : 0;
}

}  // namespace
}  // namespace sandpit::warm

using sandpit::warm::next;
using sandpit::warm::opened;

#define SP_OPEN(name)                                              \
  SP_INTERPOSE int name(const char* path, int flags, ...) {        \
    static auto* const kNext = next<int(const char*, int, ...)>(#name); \
    va_list arguments;                                             \
    va_start(arguments, flags);                                    \
    const mode_t mode = sandpit::warm::mode_of(flags, arguments);  \
    va_end(arguments);                                             \
    const int instead = opened(path);                            \
    return instead >= 0 ? instead : kNext(path, flags, mode);        \
  }
#define SP_OPENAT(name)                                                       \
  SP_INTERPOSE int name(int directory, const char* path, int flags, ...) {    \
    static auto* const kNext = next<int(int, const char*, int, ...)>(#name);  \
    va_list arguments;                                                        \
    va_start(arguments, flags);                                               \
    const mode_t mode = sandpit::warm::mode_of(flags, arguments);             \
    va_end(arguments);                                                        \
    const int instead = opened(path);                                       \
    return instead >= 0 ? instead : kNext(directory, path, flags, mode);        \
  }
#define SP_FOPEN(name)                                                     \
  SP_INTERPOSE FILE* name(const char* path, const char* mode) {            \
    static auto* const kNext = next<FILE*(const char*, const char*)>(#name); \
    const int instead = opened(path);                                    \
    return instead >= 0 ? ::fdopen(instead, "r") : kNext(path, mode);        \
  }

SP_OPEN(open)
SP_OPEN(open64)
SP_OPENAT(openat)
SP_OPENAT(openat64)
SP_FOPEN(fopen)
SP_FOPEN(fopen64)
