#include "engine/warm/library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/jail/child_launch.h"
#include "engine/warm/run_image.h"
#include "sys/raw.h"

namespace sandpit::warm {
namespace {

constinit TemplateState state;
pid_t main_thread = 0;
// Armed by the constructor; disarmed for ever by the first fork, or where there is no template.
bool armed = false;
bool once = false;  // it serves one run, and forks none
char work_dir[1024];
char trigger[4096];
char prelude[4096];
bool patch_arguments = false;
char rehearsal[4096];
char only_here[1024];  // names of variables, each with a comma
ForkFunction* next_fork = nullptr;
int program_argc = 0;
char** program_argv = nullptr;
int record = -1;  // of this run's program, until it has been opened
Words words;      // the same, of a process that serves one

alignas(16) char block[kLargestImage];

// The environment as the program shall find it: neither the loader nor a child of the program may
// see what made this process a template.
void forget(const char* name) {
  char* value = ::getenv(name);
  ::unsetenv(name);
  if (value == nullptr) return;
  // "NAME=value" itself is what /proc/self/environ shows.
  char* entry = value - ::strlen(name) - 1;
  ::memset(entry, 0, ::strlen(entry));
}

// Out of the way of the interpreter's own, as far as the limit lets it.
void keep(int& descriptor, int number) {
  for (const int least : {100, 20, 6}) {
    descriptor = ::fcntl(number, F_DUPFD_CLOEXEC, least);
    if (descriptor >= 0) break;
  }
  ::close(number);
}

void copy_of(const char* name, char* room, std::size_t size) {
  const char* value = ::getenv(name);
  if (value != nullptr) ::strncpy(room, value, size - 1);
  forget(name);
}

// glibc hands main's arguments to constructors as well.
__attribute__((constructor)) void become_template(int argc, char** argv, char** /*env*/) {
  const char* path = ::getenv(kTriggerVariable);
  if (path == nullptr) return;
  program_argc = argc;
  program_argv = argv;
  patch_arguments = ::getenv(kArgumentsVariable) != nullptr;
  forget(kArgumentsVariable);
  copy_of(kTriggerVariable, trigger, sizeof trigger);
  copy_of(kPreludeVariable, prelude, sizeof prelude);
  copy_of(kRehearsalVariable, rehearsal, sizeof rehearsal);
  copy_of(kForgetVariable, only_here, sizeof only_here);
  forget("LD_PRELOAD");
  once = ::getenv(kOnceVariable) != nullptr;
  forget(kOnceVariable);
  copy_of(kWorkVariable, work_dir, sizeof work_dir);
  keep(state.control, kControlDescriptor);
  ::close(kLibraryDescriptor);
  if (once) {
    armed = state.control >= 0;
    return;
  }
  keep(state.init, kInitDescriptor);
  for (int& network : state.networks) network = -1;
  main_thread = ::getpid();
  (void)real_fork();  // looked up now: a run's init could not wait for the loader's locks
  armed = state.control >= 0 && state.init >= 0;
}

void become_waiting() {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  (void)::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kAll, &state.signal_mask, 8);
  // Runs end as zombies of ours otherwise, and stay charged to their cgroups.
  const sys::raw::KernelAction no_zombies{.flags = SA_NOCLDWAIT};
  (void)sys::raw::set_action(SIGCHLD, &no_zombies, &state.child_action);
  state.registration = registration_of_this_thread();
  for (int fd = 0; fd < 3; ++fd) state.nonblocking[fd] = ::fcntl(fd, F_GETFL) & O_NONBLOCK;
  if (::send(state.control, &kHere, 1, MSG_NOSIGNAL) != 1) ::_exit(125);
}

// Of a rehearsal: its program has no arguments.
int rehearsal_record() {
  const int fd = static_cast<int>(::syscall(SYS_memfd_create, "program", MFD_CLOEXEC));
  const std::size_t size = ::strlen(rehearsal) + 1;
  if (::write(fd, rehearsal, size) != static_cast<ssize_t>(size) || ::lseek(fd, 0, SEEK_SET) < 0) {
    ::_exit(1);
  }
  return fd;
}

// A template's life. Comes back in a run's program, with the descriptor of its record.
int serve() {
  const int ours[] = {state.control, state.init};
  prepare_runtime(prelude, ours, sizeof ours / sizeof *ours, rehearsal);
  if (rehearsal[0] != '\0' && rehearse(rehearsal)) {
    ::close(state.control);
    ::close(state.init);
    return rehearsal_record();
  }
  become_waiting();
  for (;;) {
    int descriptors[kMostDescriptors];
    std::size_t count = 0;
    const ssize_t size = jail::receive(state.control, {.iov_base = block, .iov_len = sizeof block},
                                       descriptors, kMostDescriptors, count);
    if (size <= 0) ::_exit(0);  // the launcher is gone
    if (relocate(block, static_cast<std::size_t>(size), descriptors, count)) {
      // NOLINTNEXTLINE(*-reinterpret-cast): relocate() has checked it
      const Forked forked = fork_run(state, *reinterpret_cast<RunImage*>(block));
      if (forked.side == Side::kProgram) return forked.record;
    }
    for (std::size_t i = 0; i < count; ++i) ::close(descriptors[i]);
    // The next program's memory is a copy of this.
    ::memset(block, 0, static_cast<std::size_t>(size));
  }
}

// The words of the record go where the command line had places for them: the interpreter has not
// looked at them yet. The record stays in `block`, which is this process's own by now.
void take_arguments() {
  const char* end = words.bytes + words.size;
  int count = -1;  // the program's path is not one of them
  for (const char* at = words.bytes; at < end; at += ::strlen(at) + 1) ++count;
  if (count <= 0 || count >= program_argc) return;
  const char* word = words.bytes + ::strlen(words.bytes) + 1;
  for (int i = program_argc - count; i < program_argc; ++i) {
    program_argv[i] = const_cast<char*>(word);  // NOLINT(*-const-cast): main's may be written to
    word += ::strlen(word) + 1;
  }
}

void arrive() {
  for (char* name = only_here; *name != '\0';) {
    char* comma = ::strchr(name, ',');
    if (comma == nullptr) break;
    *comma = '\0';
    forget(name);
    name = comma + 1;
  }
  if (patch_arguments && words.bytes != nullptr) take_arguments();
  // Nobody will ask for it: the program would find it open.
  if (prelude[0] == '\0') {
    ::close(record);
    record = -1;
  }
  if (!once) {
    renew_program();
    revive_runtime();
  }
}

// What a forked program has of its template.
void take_words() {
  // NOLINTNEXTLINE(*-reinterpret-cast): relocate() has checked it; a rehearsal has none
  const RunImage& image = *reinterpret_cast<const RunImage*>(block);
  words = {.bytes = image.record, .size = image.record_size};
}

// Called with every path that is opened. Answers what the caller shall get instead, else -1.
int opened(const char* path) {
  if (path == nullptr || path[0] != '/') return -1;
  (void)waited_at(path);
  if (::strcmp(path, kLeavePath) == 0) leave_finalization();
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

bool waited_at(const char* place) {
  if (!armed || ::strcmp(place, trigger) != 0) return false;
  if (once) {
    // Any thread of it may be the one; the others go on.
    if (!__atomic_exchange_n(&armed, false, __ATOMIC_ACQ_REL)) return false;
    const Started started = wait_once(state.control, work_dir, block, sizeof block);
    words = started.words;
    record = started.record;
  } else {
    // Only the main thread's stack is what a fork goes on with.
    if (::syscall(SYS_gettid) != main_thread) return false;
    record = serve();
    armed = false;
    take_words();
  }
  arrive();
  return true;
}

Words words_of_run() { return words; }

ForkFunction* real_fork() {
  if (next_fork == nullptr) next_fork = next<pid_t()>("fork");
  return next_fork;
}

}  // namespace sandpit::warm

using sandpit::warm::next;
using sandpit::warm::opened;

#define SP_OPEN(name)                                                   \
  SP_INTERPOSE int name(const char* path, int flags, ...) {             \
    static auto* const kNext = next<int(const char*, int, ...)>(#name); \
    va_list arguments;                                                  \
    va_start(arguments, flags);                                         \
    const mode_t mode = sandpit::warm::mode_of(flags, arguments);       \
    va_end(arguments);                                                  \
    const int instead = opened(path);                                   \
    return instead >= 0 ? instead : kNext(path, flags, mode);           \
  }
#define SP_OPENAT(name)                                                      \
  SP_INTERPOSE int name(int directory, const char* path, int flags, ...) {   \
    static auto* const kNext = next<int(int, const char*, int, ...)>(#name); \
    va_list arguments;                                                       \
    va_start(arguments, flags);                                              \
    const mode_t mode = sandpit::warm::mode_of(flags, arguments);            \
    va_end(arguments);                                                       \
    const int instead = opened(path);                                        \
    return instead >= 0 ? instead : kNext(directory, path, flags, mode);     \
  }
#define SP_FOPEN(name)                                                       \
  SP_INTERPOSE FILE* name(const char* path, const char* mode) {              \
    static auto* const kNext = next<FILE*(const char*, const char*)>(#name); \
    const int instead = opened(path);                                        \
    return instead >= 0 ? ::fdopen(instead, "r") : kNext(path, mode);        \
  }

// An interpreter that has much to do around a fork may wait inside its own: its caller is then the
// child, and does what a child has to.
SP_INTERPOSE pid_t fork() {
  if (sandpit::warm::waited_at(sandpit::warm::kForkTrigger)) return 0;
  return sandpit::warm::real_fork()();
}

SP_OPEN(open)
SP_OPEN(open64)
SP_OPENAT(openat)
SP_OPENAT(openat64)
SP_FOPEN(fopen)
SP_FOPEN(fopen64)
