#include "engine/wasm/worker_setup.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace sandpit::wasm {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

constexpr sock_filter load(std::uint32_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}
constexpr sock_filter jump_if_equal(std::uint32_t value, std::uint8_t jump) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, jump, 0);
}
constexpr sock_filter answer(std::uint32_t value) { return BPF_STMT(BPF_RET | BPF_K, value); }

}  // namespace

Result<void> deny_new_programs() {
  std::array filter{
      load(offsetof(seccomp_data, arch)), jump_if_equal(kArchitecture, 1),
      answer(SECCOMP_RET_KILL_PROCESS),   load(offsetof(seccomp_data, nr)),
#if defined(SYS_vfork)
      jump_if_equal(SYS_vfork, 5),
#else
      jump_if_equal(SYS_execve, 5),
#endif
      jump_if_equal(SYS_execve, 4),       jump_if_equal(SYS_execveat, 3),
      jump_if_equal(SYS_seccomp, 2),      jump_if_equal(SYS_ptrace, 1),
      answer(SECCOMP_RET_ALLOW),          answer(SECCOMP_RET_ERRNO | EPERM),
  };
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  const auto install = [&] {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  };
  if (install()) return {};
  // A jail has set it; without one (tests) the kernel asks for it.
  if (errno == EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && install()) return {};
  return fail(errno_error("seccomp", errno));
}

void ignore_write_signals() {
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGXFSZ, SIG_IGN);
}

void limit_file_size(std::uint64_t bytes) {
  if (bytes == 0) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min<rlim_t>(bytes, limit.rlim_max);
  (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

FileSizeLimit::FileSizeLimit(std::uint64_t bytes) {
  rlimit limit{};
  if (bytes == 0 || ::getrlimit(RLIMIT_FSIZE, &limit) != 0) return;
  before_ = limit.rlim_cur;
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  set_ = ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

FileSizeLimit::~FileSizeLimit() {
  rlimit limit{};
  if (!set_ || ::getrlimit(RLIMIT_FSIZE, &limit) != 0) return;
  limit.rlim_cur = before_;
  (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace sandpit::wasm
