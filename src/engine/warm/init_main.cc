// warm-init: pid 1 of a jail whose program was forked from a template. Reaps, tells the program's
// end, and goes when the host goes, as jail/child.cc's init does. A program of its own, so that it
// shares no memory with the template; without the C library, so that starting it costs next to
// nothing.
//
//   warm-init SOCKET PROGRAM-PID BACKSTOP-MS TASKS-FILE...
//
// The last are descriptors of the run's cgroup. It joins only now, with memory of its own: a victim
// of the OOM killer takes everyone along who shares its memory, and until now that was the
// template.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include "engine/jail/child.h"

namespace {

using sandpit::jail::ChildMessage;
using sandpit::jail::MessageKind;

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

template <class T>
long address(T* pointer) {
  return reinterpret_cast<long>(pointer);  // NOLINT(*-reinterpret-cast): an argument of a call
}

[[noreturn]] void leave(int status) {
  for (;;) (void)call(SYS_exit_group, status);
}

long number(const char* digits) {
  long value = 0;
  while (*digits != '\0') value = value * 10 + (*digits++ - '0');
  return value;
}

long monotonic_ms() {
  timespec now{};
  (void)call(SYS_clock_gettime, CLOCK_MONOTONIC, address(&now));
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// What this process needs from here on, and nothing else: the program shares its ids.
void lock_in() {
  // restart_syscall: how the kernel goes on with poll after a stop or a freeze.
  static constexpr unsigned kNeeded[] = {SYS_poll,          SYS_read,      SYS_wait4,
                                         SYS_sendto,        SYS_getrusage, SYS_restart_syscall,
                                         SYS_clock_gettime, SYS_exit_group};
  constexpr std::size_t kCount = sizeof kNeeded / sizeof *kNeeded;
  sock_filter filter[5 + kCount + 1];
  std::size_t n = 0;
  filter[n++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  filter[n++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
  filter[n++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  filter[n++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < kCount; ++i) {
    // Over the rest and the refusal, to the last instruction.
    filter[n++] =
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNeeded[i], static_cast<unsigned char>(kCount - i), 0);
  }
  filter[n++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  filter[n++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{.len = static_cast<unsigned short>(n), .filter = filter};
  if (call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, address(&program)) < 0) leave(125);
}

long microseconds(const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; }

[[noreturn]] void tell(long socket, int status, bool alone) {
  rusage used{};
  (void)call(SYS_getrusage, RUSAGE_CHILDREN, address(&used));
  const ChildMessage message{.kind = MessageKind::kExited,
                             .wait_status = status,
                             .alone = alone ? 1 : 0,
                             .user_us = microseconds(used.ru_utime),
                             .system_us = microseconds(used.ru_stime),
                             .largest_kib = used.ru_maxrss};
  (void)call(SYS_sendto, socket, address(&message), sizeof message, MSG_NOSIGNAL);
  leave(0);
}

// Ends with the program; before that only orphans are reaped.
void reap(long socket, long program) {
  int program_status = 0;
  bool ended = false;
  for (;;) {
    int status = 0;
    const long pid = call(SYS_wait4, -1, address(&status), WNOHANG);
    if (pid <= 0) {
      constexpr long kNoChild = -10;  // ECHILD: nothing of the run lives any more
      if (ended) tell(socket, program_status, pid == kNoChild);
      return;
    }
    if (pid == program) {
      ended = true;
      program_status = status;
    }
  }
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void start(long* stack) {
  // argc, argv[]: the System V ABI's process stack.
  const long count = stack[0];
  if (count < 4) leave(125);
  const char* const* argv = reinterpret_cast<const char* const*>(stack + 1);  // NOLINT(*-cast)
  const long socket = number(argv[1]);
  const long program = number(argv[2]);
  const long deadline = monotonic_ms() + number(argv[3]);
  for (long i = 4; i < count; ++i) {
    if (call(SYS_write, number(argv[i]), address("0"), 1) != 1) leave(125);
    (void)call(SYS_close, number(argv[i]));
  }
  (void)call(SYS_prctl, PR_SET_DUMPABLE, 0);
  const std::uint64_t child_ended = std::uint64_t{1} << (SIGCHLD - 1);
  (void)call(SYS_rt_sigprocmask, SIG_SETMASK, address(&child_ended), 0, sizeof child_ended);
  const long signals = call(SYS_signalfd4, -1, address(&child_ended), sizeof child_ended, 0);
  if (signals < 0) leave(125);
  lock_in();
  pollfd watched[2] = {{.fd = static_cast<int>(socket), .events = 0, .revents = 0},
                       {.fd = static_cast<int>(signals), .events = POLLIN, .revents = 0}};
  for (;;) {
    reap(socket, program);  // it may have ended before we were born
    const long rest = deadline - monotonic_ms();
    if (rest <= 0) leave(125);
    const long ready = call(SYS_poll, address(&watched[0]), 2, rest < 60'000 ? rest : 60'000);
    if (ready < 0 && ready != -4) leave(125);  // EINTR
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) leave(125);
    char info[128 * 4];
    if ((watched[1].revents & POLLIN) != 0)
      (void)call(SYS_read, signals, address(&info[0]), sizeof info);
  }
}

asm(".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call start\n"
    "  hlt\n");
