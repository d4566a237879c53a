#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "engine/jail/child.h"
#include "engine/jail/child_launch.h"
#include "plan/plan.h"
#include "sys/landlock.h"
#include "sys/raw.h"
#include "sys/seccomp_notify.h"

namespace sandpit::jail {
namespace {

namespace landlock = sys::landlock;

landlock::Access landlock_access(LandlockAccess access) {
  static_assert(static_cast<int>(LandlockAccess::kDevice) ==
                static_cast<int>(landlock::Access::kDevice));
  return static_cast<landlock::Access>(access);
}

bool is_kept(const ChildSpec& spec, int capability) {
  return (spec.keep_capabilities & (std::uint64_t{1} << static_cast<unsigned>(capability))) != 0;
}

int load_with_listener(const sock_fprog& program) {
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags | sys::kWaitKillable, &program);
  if (listener < 0 && errno == EINVAL) {  // before Linux 5.19
    listener = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program);
  }
  return static_cast<int>(listener);
}

// Nothing that is done from here on may be something that the filter notifies: until the listener
// is with the host, nobody would ever answer.
void load_filter(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kSeccomp);
  if (!spec.listener) {
    launch.need(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &spec.seccomp));
    return;
  }
  const int listener = load_with_listener(spec.seccomp);
  if (listener >= 0) {
    launch.begin(LaunchStep::kListener);
    launch.need(send_with_descriptor(spec.socket, {.kind = MessageKind::kListener}, listener));
    ::close(listener);
    return;
  }
  // No notifications in this kernel, a listener of an outer sandbox (EBUSY), no descriptor left:
  // the same denials, unheard.
  const ChildMessage none{.kind = MessageKind::kListener, .errno_value = errno};
  sys::silence(spec.seccomp.filter, spec.seccomp.len);
  launch.need(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &spec.seccomp));
  (void)::send(spec.socket, &none, sizeof none, MSG_NOSIGNAL);
}

// As far as allowed: a template has the soft limit of its program.
void raise_files(Launch& launch) {
  launch.begin(LaunchStep::kRlimit, RLIMIT_NOFILE);
  rlimit files{};
  launch.need(::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &files));
  files.rlim_cur = files.rlim_max;
  launch.need(::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, nullptr));
}

void set_limit(Launch& launch, const ChildRlimit& limit) {
  launch.begin(LaunchStep::kRlimit, limit.resource);
  launch.need(::syscall(SYS_prlimit64, 0, limit.resource, &limit.limit, nullptr));
}

void lower_files(Launch& launch, const ChildSpec& spec) {
  for (const ChildRlimit& limit : spec.rlimits) {
    if (limit.resource == RLIMIT_NOFILE) set_limit(launch, limit);
  }
}

}  // namespace

int make_ruleset(Launch& launch, const ChildSpec& spec) {
  if (spec.landlock_abi <= 0) return -1;
  launch.begin(LaunchStep::kLandlock, -1);
  const landlock::RulesetAttr attributes = landlock::ruleset_for(
      spec.landlock_abi, spec.landlock_host_network ? landlock::NetworkRules::kUnrestricted
                                                    : landlock::NetworkRules::kDenyTcp);
  const int ruleset = static_cast<int>(launch.need(::syscall(
      landlock::kCreateRulesetCall, &attributes, landlock::ruleset_size(spec.landlock_abi), 0)));
  // Directories may be listed everywhere: the mount tree holds nothing that the run may not know
  // of.
  const int root = static_cast<int>(launch.need(::open("/", O_PATH | O_CLOEXEC)));
  const landlock::PathBeneathAttr list{.allowed_access = landlock::fs::kReadDir, .parent_fd = root};
  launch.need(::syscall(landlock::kAddRuleCall, ruleset, landlock::kRulePathBeneath, &list, 0));
  ::close(root);
  int index = 0;
  for (const ChildLandlockRule& rule : spec.landlock) {
    launch.begin(LaunchStep::kLandlock, index++);
    const int fd = ::open(rule.path, O_PATH | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
      continue;  // an optional path, or /proc that is allowed to be missing
    launch.need(fd);
    struct stat status{};
    launch.need(::fstat(fd, &status));  // NOLINT(clang-analyzer-*): need() does not come back
    const auto kind =
        S_ISDIR(status.st_mode) ? landlock::PathKind::kDirectory : landlock::PathKind::kFile;
    const landlock::PathBeneathAttr beneath{
        .allowed_access =
            landlock::access_for(landlock_access(rule.access), spec.landlock_abi, kind),
        .parent_fd = fd};
    launch.need(
        ::syscall(landlock::kAddRuleCall, ruleset, landlock::kRulePathBeneath, &beneath, 0));
    ::close(fd);
  }
  return ruleset;
}

void lower_limits(Launch& launch, const ChildSpec& spec, Limits which) {
  for (const ChildRlimit& limit : spec.rlimits) {
    if (which == Limits::kBeforeWalls && spec.files_last && limit.resource == RLIMIT_NOFILE) {
      raise_files(launch);
    } else {
      set_limit(launch, limit);
    }
  }
}

void drop_bounding_set(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kCapabilities);
  for (int capability = 0; capability < 64; ++capability) {
    // EINVAL: above the last capability that this kernel knows.
    if (!is_kept(spec, capability) && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
      if (errno != EINVAL) launch.fail(errno);
      break;
    }
  }
}

void drop_capabilities(Launch& launch, const ChildSpec& spec) {
  if (spec.drop_bounding_set) drop_bounding_set(launch, spec);
  launch.begin(LaunchStep::kCapabilities);
  launch.need(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  int securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
  if (spec.keep_capabilities == 0) {
    securebits |= SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  }
  launch.need(::prctl(PR_SET_SECUREBITS, securebits, 0, 0, 0));
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  for (unsigned half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(spec.keep_capabilities >> (32 * half));
    sets[half] = {.effective = bits, .permitted = bits, .inheritable = bits};
  }
  launch.need(::syscall(SYS_capset, &header, sets));
  for (int capability = 0; capability < 64; ++capability) {
    if (is_kept(spec, capability)) {
      launch.need(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0));
    }
  }
  launch.begin(LaunchStep::kNoNewPrivileges);
  launch.need(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

void raise_walls(Launch& launch, const ChildSpec& spec, int ruleset) {
  if (ruleset >= 0) {
    launch.begin(LaunchStep::kLandlock, -1);
    launch.need(::syscall(landlock::kRestrictSelfCall, ruleset, 0));
    ::close(ruleset);
  }
  if (spec.seccomp.len != 0) load_filter(launch, spec);
  if (spec.files_last) lower_files(launch, spec);
}

}  // namespace sandpit::jail
