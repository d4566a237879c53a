#include "lint/lockdown.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "sys/raw.h"
#include "sys/seccomp.h"

namespace sandpit::lint {
namespace {

constexpr uid_t kNobody = 65534;
constexpr std::string_view kProfile = "lint-worker";

Result<void> close_all_but(std::span<const int> keep) {
  unsigned next = 0;
  for (const int fd : keep) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > next && sys::raw::close_range(next, kept - 1, 0) != 0) {
      return fail(errno_error("close_range", errno));
    }
    next = kept + 1;
  }
  if (sys::raw::close_range(next, ~0U, 0) != 0) return fail(errno_error("close_range", errno));
  return {};
}

Result<void> limit_resources(const Lockdown& wanted) {
  const std::pair<__rlimit_resource_t, rlim_t> limits[] = {
      {RLIMIT_AS, wanted.memory},
      {RLIMIT_CPU, wanted.cpu_seconds},
      {RLIMIT_NOFILE, 0},
      {RLIMIT_FSIZE, 0},
      {RLIMIT_NPROC, 0},
      // 0 would still start a handler that core_pattern pipes into, as the host's root (core(5)).
      {RLIMIT_CORE, 1},
  };
  for (const auto& [resource, value] : limits) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return fail(errno_error("getrlimit", errno));
    // Who is not root can't go above what it was started with.
    limit.rlim_cur = limit.rlim_max = std::min(value, limit.rlim_max);
    if (::setrlimit(resource, &limit) != 0) return fail(errno_error("setrlimit", errno));
  }
  return {};
}

Result<void> leave_root() {
  if (::geteuid() != 0) return {};
  if (sys::raw::setgroups_none() != 0) return fail(errno_error("setgroups", errno));
  if (sys::raw::setresgid(kNobody) != 0) return fail(errno_error("setresgid", errno));
  if (sys::raw::setresuid(kNobody) != 0) return fail(errno_error("setresuid", errno));
  return {};
}

}  // namespace

Result<void> lock_in(const Lockdown& wanted) {
  const sys::BuiltinProfile* profile = sys::builtin_profile(kProfile);
  if (profile == nullptr) return fail({.message = "no profile for the lint worker"});
  SP_TRY_VOID(close_all_but(wanted.keep));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(errno_error("prctl", errno));
  SP_TRY_VOID(leave_root());
  SP_TRY_VOID(limit_resources(wanted));
  // After the change of ids, which sets it anew.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail(errno_error("prctl", errno));
  const sock_fprog program{.len = static_cast<unsigned short>(profile->program.size()),
                           // NOLINTNEXTLINE(*-const-cast): the kernel only reads it
                           .filter = const_cast<sock_filter*>(profile->program.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return fail(errno_error("seccomp", errno));
  }
  return {};
}

}  // namespace sandpit::lint
