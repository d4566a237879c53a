// Processes in a cgroup under test. Every one of them is also held by rlimits and an alarm, in case
// the group doesn't.
#pragma once

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "sys/cgroup.h"

// For tests that measure memory or keep it low: AddressSanitizer's shadow and its allocator's
// reserve are memory of the process too.
#ifdef __SANITIZE_ADDRESS__
#define SKIP_WITH_SHADOW_MEMORY(what) GTEST_SKIP() << "sanitizer build: " << (what)
#else
#define SKIP_WITH_SHADOW_MEMORY(what) static_cast<void>(what)
#endif

namespace sandpit::sys {

inline void cap(int resource, rlim_t value) {
  const rlimit limit{.rlim_cur = value, .rlim_max = value};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

// The child joins the group as the engine's does: through CLONE_INTO_CGROUP, and by writing 0 to
// each tasks file.
template <class Body>
pid_t spawn_in(Cgroup& group, Body body) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (group.clone_into() >= 0) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<__u64>(group.clone_into());
  }
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid != 0) return pid;
  ::alarm(20);
  cap(RLIMIT_AS, rlim_t{512} << 20U);
  cap(RLIMIT_CPU, 5);
  cap(RLIMIT_CORE, 0);
  for (const int fd : group.join_descriptors()) {
    if (::write(fd, "0", 1) != 1) ::_exit(121);
  }
  ::_exit(body());
}

inline int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Touches `bytes` of fresh memory.
inline int use_memory(std::size_t bytes) {
  auto* memory = static_cast<volatile char*>(::operator new(bytes));
  for (std::size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
  return 0;
}

inline int burn(std::chrono::milliseconds cpu_time) {
  timespec now{};
  do {
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  } while (now.tv_sec * 1000 + now.tv_nsec / 1'000'000 < cpu_time.count());
  return 0;
}

inline std::string test_group_name(const char* what) {
  return "sandpit-test-" + std::string(what) + "-" + std::to_string(::getpid());
}

}  // namespace sandpit::sys
