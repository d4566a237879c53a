// An interpreter with threads of its own (Node) is forked whole: its other threads are stopped in a
// signal handler before the first fork, and each program starts them again at the same place. Their
// stacks, their thread descriptors and whatever they wait for are memory, and the fork has copied
// it; what is missing is a thread of the kernel for each. So nothing of theirs has to know.
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/warm/library.h"
#include "sys/raw.h"

namespace sandpit::warm {
namespace {

constexpr std::size_t kMostThreads = 16;
constexpr std::size_t kStackSize = 16U << 10U;

struct Parked {
  std::jmp_buf place = {};    // in the handler's frame, on the thread's own stack
  unsigned long pointer = 0;  // its thread descriptor: the fs base
  ThreadRegistration registration;
};
constinit Parked parked[kMostThreads];
constinit std::uint32_t count = 0;  // of `parked`
constinit std::uint32_t never = 0;  // what parked threads of the template wait for
alignas(64) char stacks[kMostThreads][kStackSize];

unsigned long thread_pointer() {
  unsigned long pointer = 0;
  asm("mov %%fs:0x10, %0" : "=r"(pointer));  // tcbhead_t::self (x86-64 psABI, ELF TLS)
  return pointer;
}

// Runs on a thread of the interpreter's, wherever it was. Comes back in the program only.
void park(int /*signal*/) {
  const int saved = errno;
  const std::uint32_t mine = __atomic_fetch_add(&count, 1, __ATOMIC_ACQ_REL);
  if (mine >= kMostThreads) ::_exit(125);
  Parked& self = parked[mine];
  self.pointer = thread_pointer();
  self.registration = registration_of_this_thread();
  if (setjmp(self.place) == 0) {  // NOLINT(cert-err52-cpp)
    for (;;) (void)::syscall(SYS_futex, &never, FUTEX_WAIT, 0, nullptr, nullptr, 0);
  }
  register_this_thread(self.registration);
  errno = saved;
}

int go_on(void* thread) { std::longjmp(static_cast<Parked*>(thread)->place, 1); }

// A thread that takes no signals at all, made without glibc, would be waited for in vain.
bool blocks(pid_t thread, int signal) {
  char path[64];
  ::snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
  FILE* const status = ::fopen(path, "re");
  if (status == nullptr) return true;
  char line[256];
  unsigned long long mask = 0;
  while (::fgets(line, sizeof line, status) != nullptr) {
    if (::sscanf(line, "SigBlk: %llx", &mask) == 1) break;
  }
  ::fclose(status);
  return (mask & (1ULL << static_cast<unsigned>(signal - 1))) != 0;
}

// Of libc.so since 2.35; where it is missing, nothing was registered.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): glibc's names
// (sys/rseq.h)
extern "C" __attribute__((weak)) const std::ptrdiff_t __rseq_offset;
extern "C" __attribute__((weak)) const unsigned int __rseq_size;
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

}  // namespace

ThreadRegistration registration_of_this_thread() {
  ThreadRegistration made;
  (void)::syscall(SYS_get_robust_list, 0, &made.robust_list, &made.robust_size);
  // Needs CONFIG_CHECKPOINT_RESTORE; every distribution's kernel has it.
  if (::prctl(PR_GET_TID_ADDRESS, &made.id) < 0) made.id = nullptr;
  return made;
}

void register_this_thread(const ThreadRegistration& registration) {
  if (registration.robust_list != nullptr) {
    (void)::syscall(SYS_set_robust_list, registration.robust_list, registration.robust_size);
  }
  if (&__rseq_size == nullptr || __rseq_size == 0) return;
  constexpr unsigned kSignature = 0x53053053;  // RSEQ_SIG of x86 (sys/rseq.h)
  constexpr unsigned kArea = 32;               // what glibc registers, whatever it uses of it
  // NOLINTBEGIN(*-reinterpret-cast,performance-no-int-to-ptr): relative to the thread's descriptor
  auto* const area =
      reinterpret_cast<void*>(thread_pointer() + static_cast<unsigned long>(__rseq_offset));
  // NOLINTEND(*-reinterpret-cast,performance-no-int-to-ptr)
  (void)::syscall(SYS_rseq, area, kArea, 0, kSignature);
}

std::size_t park_threads() {
  DIR* const tasks = ::opendir("/proc/self/task");
  if (tasks == nullptr) return 0;
  // The signal by which glibc changes the ids of all threads: none of them can have blocked it
  // (nptl(7)), and one that stayed behind would be waited for for ever by setuid(2). glibc lets
  // nobody else handle it, so the action is made for another and carried over.
  constexpr int kSignal = 33;  // SIGSETXID
  const int other = SIGRTMIN + 1;
  struct sigaction before{};
  struct sigaction action{};
  action.sa_handler = park;
  action.sa_flags = SA_RESTART;  // a futex wait that was interrupted is waited for again
  ::sigfillset(&action.sa_mask);
  (void)::sigaction(other, &action, &before);
  sys::raw::KernelAction ours;
  sys::raw::KernelAction glibcs;
  (void)sys::raw::set_action(other, nullptr, &ours);
  (void)::sigaction(other, &before, nullptr);
  (void)sys::raw::set_action(kSignal, &ours, &glibcs);
  const pid_t self = ::getpid();
  std::uint32_t others = 0;
  while (const dirent* entry = ::readdir(tasks)) {
    const auto thread = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (thread <= 0 || thread == self || blocks(thread, kSignal)) continue;
    if (::syscall(SYS_tgkill, self, thread, kSignal) == 0) ++others;
  }
  ::closedir(tasks);
  while (__atomic_load_n(&count, __ATOMIC_ACQUIRE) < others) ::usleep(200);
  // Its last steps to where it waits are not atomic with the count.
  if (others > 0) ::usleep(2000);
  (void)sys::raw::set_action(kSignal, &glibcs, nullptr);
  return others;
}

bool has_parked_threads() { return count > 0; }

void unpark_threads() {
  for (std::uint32_t i = 0; i < count; ++i) {
    Parked& thread = parked[i];
    constexpr int kFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                           CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                           CLONE_CHILD_CLEARTID;
    // NOLINTBEGIN(*-reinterpret-cast,performance-no-int-to-ptr): clone(2) takes it as an address
    (void)::clone(go_on, stacks[i] + kStackSize, kFlags, &thread, thread.registration.id,
                  reinterpret_cast<void*>(thread.pointer), thread.registration.id);
    // NOLINTEND(*-reinterpret-cast,performance-no-int-to-ptr)
  }
}

}  // namespace sandpit::warm
