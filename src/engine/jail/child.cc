#include "engine/jail/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>

#include "plan/plan.h"
#include "sys/landlock.h"
#include "sys/raw.h"

namespace sandpit::jail {
namespace {

namespace raw = sys::raw;

constexpr std::size_t kMaxMounts = 256;

// The launch in progress: where to report, and which step is under way.
class Launch {
 public:
  explicit Launch(const ChildSpec& spec) : spec_(spec), socket_(spec.socket) {}

  void begin(LaunchStep step, int detail = 0) {
    step_ = step;
    detail_ = detail;
    if (spec_.fail_step == static_cast<int>(step)) fail(spec_.fail_errno);
  }
  [[noreturn]] void fail(int errno_value) const {
    const ChildMessage message{
        .kind = MessageKind::kFailed, .step = step_, .errno_value = errno_value, .detail = detail_};
    (void)::send(socket_, &message, sizeof message, MSG_NOSIGNAL);
    ::_exit(125);
  }
  // Reports go over a copy of the socket, out of the way of descriptors with fixed numbers.
  void report_over(int socket) { socket_ = socket; }
  [[noreturn]] void fail(const TreeFailure& failure) {
    step_ = failure.step;
    detail_ = failure.detail;
    fail(failure.errno_value);
  }
  // Passes the result of a system call on; a negative one ends the launch.
  long need(long result) const {
    if (result < 0) fail(errno);
    return result;
  }

 private:
  const ChildSpec& spec_;
  int socket_;
  LaunchStep step_ = LaunchStep::kNone;
  int detail_ = 0;
};

// mkdir -p of the parents of a relative path, then nothing for the last component.
int make_parents(int root, const char* path) {
  char part[4096];
  for (std::size_t i = 0; path[i] != '\0'; ++i) {
    if (i >= sizeof part - 1) {
      errno = ENAMETOOLONG;
      return -1;
    }
    if (path[i] == '/' && i > 0) {
      part[i] = '\0';
      if (::mkdirat(root, part, 0755) < 0 && errno != EEXIST) return -1;
    }
    part[i] = path[i];
  }
  return 0;
}

int make_directory(int root, const char* path, mode_t mode) {
  if (make_parents(root, path) < 0) return -1;
  return ::mkdirat(root, path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

int make_file(int root, const ChildMount& mount) {
  if (make_parents(root, mount.target) < 0) return -1;
  const int fd =
      ::openat(root, mount.target, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mount.mode);
  if (fd < 0) return -1;
  std::size_t done = 0;
  while (done < mount.content_size) {
    const ssize_t n = ::write(fd, mount.content + done, mount.content_size - done);
    if (n < 0) return -1;
    done += static_cast<std::size_t>(n);
  }
  return ::close(fd);
}

bool is_bind(const ChildMount& mount) {
  return mount.kind == MountKind::kBind || mount.kind == MountKind::kDevice;
}

bool is_per_run(const ChildMount& mount) {
  return mount.kind == MountKind::kVolume || mount.kind == MountKind::kProc ||
         (mount.kind == MountKind::kBind && (mount.flags & kMountGranted) != 0);
}

// An existing one is fine even where the root is read-only already: EEXIST comes before EROFS.
int make_mount_point(int root, const ChildMount& mount) {
  const bool directory = mount.kind == MountKind::kVolume || mount.kind == MountKind::kProc ||
                         (mount.flags & kMountIsDirectory) != 0;
  if (directory) return make_directory(root, mount.target, 0755);
  if (make_parents(root, mount.target) < 0) return -1;
  return ::mknodat(root, mount.target, S_IFREG | 0644, 0) < 0 && errno != EEXIST ? -1 : 0;
}

int attach(int tree, int root, const char* target) {
  const int result = raw::move_mount(tree, root, target);
  const int saved = errno;
  ::close(tree);
  errno = saved;
  return result;
}

// Waits until the id maps are written and the cgroup is made; joins it.
void wait_for_go(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kWaitForGo);
  // Both, so that a host killed at any moment takes us along: the signal from now on, the hang-up
  // for a host that died before. Our own copy of the host's end would keep the socket from hanging
  // up.
  launch.need(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
  launch.need(::close(spec.host_socket));
  char go = 0;
  iovec part{.iov_base = &go, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostCgroups)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t n = 0;
  do {
    n = ::recvmsg(spec.socket, &header, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n <= 0) ::_exit(125);  // the host is gone: nobody to tell
  launch.begin(LaunchStep::kJoinCgroup);
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const auto* tasks =
        reinterpret_cast<const int*>(CMSG_DATA(rights));  // NOLINT(*-reinterpret-cast): cmsg(3)
    for (std::size_t i = 0; i < count; ++i) launch.need(::write(tasks[i], "0", 1));
  }
  // After joining, not in clone3: the namespace's root is the group that the process is in at this
  // moment.
  launch.begin(LaunchStep::kCgroupNamespace);
  launch.need(raw::unshare(CLONE_NEWCGROUP));
}

void take_ids(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kIds);
  if (spec.drop_groups) launch.need(raw::setgroups_none());
  launch.need(raw::setresgid(spec.gid));
  launch.need(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  launch.need(raw::setresuid(spec.uid));
  launch.need(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  ::umask(0);
  launch.begin(LaunchStep::kSession);
  launch.need(::setsid());
  // Cleared by the id change above, so set again.
  launch.need(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

void bring_up_loopback(Launch& launch) {
  launch.begin(LaunchStep::kLoopback);
  const int fd = static_cast<int>(launch.need(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  launch.need(::ioctl(fd, SIOCGIFFLAGS, &request));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  launch.need(::ioctl(fd, SIOCSIFFLAGS, &request));
  ::close(fd);
}

// A mount can be cloned from only while it is part of our mount namespace (kernels before 6.15), so
// the volume and the new root are attached somewhere in the old root for the time being; the pivot
// takes the one away and the detach the other. In a ready-made tree the volume stays, out of reach
// beneath its own part that is mounted on /tmp.
void attach_in_old_root(Launch& launch, int tree) {
  for (const char* place : {"/tmp", "/mnt", "/"}) {
    if (raw::move_mount(tree, AT_FDCWD, place) == 0) return;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
  }
  launch.fail(errno);
}

int make_volume(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kVolume);
  const int fs = static_cast<int>(launch.need(raw::fsopen("tmpfs")));
  launch.need(raw::fsconfig_string(fs, "size", spec.volume_size));
  launch.need(raw::fsconfig_string(fs, "nr_inodes", spec.volume_inodes));
  launch.need(raw::fsconfig_string(fs, "mode", "0755"));
  launch.need(raw::fsconfig_create(fs));
  const int volume =
      static_cast<int>(launch.need(raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  ::close(fs);
  launch.need(::mkdirat(volume, "work", 0755));
  launch.need(::mkdirat(volume, "tmp", 01777));
  launch.need(::mkdirat(volume, "shm", 01777));
  return volume;
}

void send_volume(Launch& launch, const ChildSpec& spec, int volume, bool proc_missing) {
  launch.begin(LaunchStep::kVolume);
  ChildMessage message{.kind = MessageKind::kVolume, .proc_missing = proc_missing ? 1 : 0};
  iovec part{.iov_base = &message, .iov_len = sizeof message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(rights)) = volume;  // NOLINT(*-reinterpret-cast): cmsg(3)
  launch.need(::sendmsg(spec.socket, &header, MSG_NOSIGNAL));
}

// Returns false when there is no fresh procfs to be had and the policy accepts that.
bool mount_proc(Launch& launch, const ChildSpec& spec, int root, const ChildMount& mount) {
  launch.begin(LaunchStep::kProc);
  const int fs = static_cast<int>(launch.need(raw::fsopen("proc")));
  // subset=pid leaves the per-process part only: no host-wide file has to be masked one by one
  // (kernel 5.8).
  launch.need(raw::fsconfig_string(fs, "hidepid", "invisible"));
  launch.need(raw::fsconfig_string(fs, "subset", "pid"));
  int proc = -1;
  if (raw::fsconfig_create(fs) == 0) {
    proc = raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  }
  // EPERM: the host's own /proc has something mounted over it (mount_too_revealing in
  // fs/namespace.c).
  if (proc < 0 && errno == EPERM && spec.allow_missing_proc) {
    ::close(fs);
    return false;
  }
  launch.need(proc);
  ::close(fs);
  launch.need(attach(proc, root, mount.target));
  return true;
}

void mount_volume_part(Launch& launch, int volume, int root, const ChildMount& mount) {
  const int part = static_cast<int>(
      launch.need(raw::open_tree(volume, mount.source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if ((mount.flags & kMountNoExec) != 0) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  launch.need(raw::mount_setattr(part, "", AT_EMPTY_PATH, attributes));
  launch.need(attach(part, root, mount.target));
}

void copy_inputs(Launch& launch, const ChildSpec& spec, int volume) {
  int index = 0;
  for (const ChildInput& input : spec.inputs) {
    launch.begin(LaunchStep::kInput, index++);
    if (input.number != 0) continue;
    const int work =
        static_cast<int>(launch.need(::openat(volume, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (input.directory) {
      launch.need(::mkdirat(work, input.name, input.mode));
      ::close(work);
      continue;
    }
    const int out = static_cast<int>(launch.need(::openat(
        work, input.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, input.mode)));
    auto offset = static_cast<off_t>(input.offset);
    const std::uint64_t end = input.offset + input.size;
    while (static_cast<std::uint64_t>(offset) < end) {
      const std::size_t rest = end - static_cast<std::uint64_t>(offset);
      const ssize_t n = ::sendfile(out, input.descriptor, &offset, rest);
      if (n < 0 && errno != EINTR) launch.fail(errno);
      if (n == 0) break;  // the file was truncated meanwhile: what is left of it is the program
    }
    ::close(out);
    ::close(work);
  }
}

// What belongs to this run alone, on top of the shared part.
bool mount_per_run(Launch& launch, const ChildSpec& spec, int root, int volume, const int* trees) {
  bool proc_missing = false;
  for (std::size_t i = 0; i < spec.mounts.size; ++i) {
    const ChildMount& mount = spec.mounts.data[i];
    if (!is_per_run(mount)) continue;
    launch.begin(LaunchStep::kMount, static_cast<int>(i));
    // Again, since it may lie inside the volume that was mounted a moment ago.
    launch.need(make_mount_point(root, mount));
    if (mount.kind == MountKind::kBind) launch.need(attach(trees[i], root, mount.target));
    if (mount.kind == MountKind::kVolume) mount_volume_part(launch, volume, root, mount);
    if (mount.kind == MountKind::kProc) proc_missing = !mount_proc(launch, spec, root, mount);
  }
  return proc_missing;
}

void build_root(Launch& launch, const ChildSpec& spec) {
  // Sources are opened before anything hides them.
  int trees[kMaxMounts] = {};
  launch.begin(LaunchStep::kMount, -1);
  if (spec.mounts.size > kMaxMounts) launch.fail(E2BIG);
  for (std::size_t i = 0; i < spec.mounts.size; ++i) {
    const ChildMount& mount = spec.mounts.data[i];
    trees[i] = mount.tree;
    const bool wanted = is_bind(mount) && (!spec.in_ready_tree || is_per_run(mount));
    if (!wanted || mount.tree >= 0) continue;
    launch.begin(LaunchStep::kMount, static_cast<int>(i));
    trees[i] = static_cast<int>(launch.need(open_bind_tree(mount)));
  }
  const int volume = make_volume(launch, spec);
  attach_in_old_root(launch, volume);
  launch.begin(LaunchStep::kRootFs);
  const int root = static_cast<int>(launch.need(
      spec.in_ready_tree ? ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : make_root_tmpfs()));
  if (!spec.in_ready_tree) {
    attach_in_old_root(launch, root);
    const TreeFailure failure = build_shared_tree(root, spec.mounts, trees);
    if (failure.step != LaunchStep::kNone) launch.fail(failure);
    launch.begin(LaunchStep::kReadOnlyRoot);
    launch.need(make_read_only(root));
  }
  const bool proc_missing = mount_per_run(launch, spec, root, volume, trees);
  copy_inputs(launch, spec, volume);
  send_volume(launch, spec, volume, proc_missing);
  ::close(volume);
  if (spec.in_ready_tree) {
    ::close(root);
    return;
  }
  launch.begin(LaunchStep::kPivot);
  launch.need(::fchdir(root));
  ::close(root);
  // pivot_root(".", ".") stacks the old root on the new one's "/", from where it is detached
  // (pivot_root(2), NOTES).
  launch.need(raw::pivot_root(".", "."));
  launch.begin(LaunchStep::kDetachOldRoot);
  launch.need(raw::umount2(".", raw::kUmountDetach));
  launch.need(::chdir("/"));
}

namespace landlock = sys::landlock;

landlock::Access landlock_access(LandlockAccess access) {
  static_assert(static_cast<int>(LandlockAccess::kDevice) ==
                static_cast<int>(landlock::Access::kDevice));
  return static_cast<landlock::Access>(access);
}

int make_ruleset(Launch& launch, const ChildSpec& spec) {
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
    launch.need(::fstat(fd, &status));
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

void drop_capabilities(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kCapabilities);
  if (spec.drop_bounding_set) {
    for (int capability = 0; capability < 64; ++capability) {
      // EINVAL: above the last capability that this kernel knows.
      if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
        if (errno != EINVAL) launch.fail(errno);
        break;
      }
    }
  }
  launch.need(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  launch.need(::prctl(PR_SET_SECUREBITS,
                      SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                          SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                          SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
                      0, 0, 0));
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct nothing[2] = {};
  launch.need(::syscall(SYS_capset, &header, nothing));
  launch.begin(LaunchStep::kNoNewPrivileges);
  launch.need(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

void drop_privileges(Launch& launch, const ChildSpec& spec) {
  // The rules' paths are opened before RLIMIT_NOFILE may forbid it.
  const int ruleset = spec.landlock_abi > 0 ? make_ruleset(launch, spec) : -1;
  for (const ChildRlimit& limit : spec.rlimits) {
    launch.begin(LaunchStep::kRlimit, limit.resource);
    launch.need(::syscall(SYS_prlimit64, 0, limit.resource, &limit.limit, nullptr));
  }
  drop_capabilities(launch, spec);
  if (ruleset >= 0) {
    launch.begin(LaunchStep::kLandlock, -1);
    launch.need(::syscall(landlock::kRestrictSelfCall, ruleset, 0));
    ::close(ruleset);
  }
  launch.begin(LaunchStep::kSeccomp);
  launch.need(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &spec.seccomp));
}

// Moves the three descriptors to 0, 1 and 2, whatever their numbers are.
void place_stdio(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kStdio);
  int sources[3] = {spec.stdin_fd, spec.stdout_fd, spec.stderr_fd};
  for (int& source : sources) {
    // Low numbers could be overwritten by the dup2 of another: out of the way first.
    if (source < 3) source = static_cast<int>(launch.need(::fcntl(source, F_DUPFD_CLOEXEC, 3)));
  }
  for (int target = 0; target < 3; ++target) launch.need(::dup2(sources[target], target));
}

// Inputs that are handed over as descriptors, at the numbers that they ask for. Their own numbers
// may be those of others: each goes out of the way first.
void place_inputs(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kInput, -1);
  int sources[kMostDescriptorNumber] = {};
  bool any = false;
  for (const ChildInput& input : spec.inputs) {
    if (input.number < 3 || input.number >= kMostDescriptorNumber) continue;
    sources[input.number] = static_cast<int>(
        launch.need(::fcntl(input.descriptor, F_DUPFD_CLOEXEC, kMostDescriptorNumber)));
    any = true;
  }
  if (!any) return;
  launch.report_over(
      static_cast<int>(launch.need(::fcntl(spec.socket, F_DUPFD_CLOEXEC, kMostDescriptorNumber))));
  for (int number = 3; number < kMostDescriptorNumber; ++number) {
    if (sources[number] != 0) launch.need(::dup2(sources[number], number));
  }
}

[[noreturn]] void run_program(Launch& launch, const ChildSpec& spec) {
  place_stdio(launch, spec);
  place_inputs(launch, spec);
  launch.begin(LaunchStep::kExec);
  launch.need(::setsid());
  launch.need(raw::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
  for (const ChildInput& input : spec.inputs) {
    if (input.number != 0) launch.need(::fcntl(input.number, F_SETFD, 0));
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(spec.argv[0], spec.argv, spec.envp);
  launch.fail(errno);
}

void close_all_but(int a, int b) {
  const auto low = static_cast<unsigned>(a < b ? a : b);
  const auto high = static_cast<unsigned>(a < b ? b : a);
  if (low > 0) raw::close_range(0, low - 1, 0);
  if (high > low + 1) raw::close_range(low + 1, high - 1, 0);
  raw::close_range(high + 1, ~0U, 0);
}

// The launcher's descriptors, of which the child has a copy, would leave no room under the
// program's limit for those that it is handed.
void close_what_is_not_needed(const ChildSpec& spec) {
  int needed[kMostDescriptorNumber + 4] = {spec.socket, spec.stdin_fd, spec.stdout_fd,
                                           spec.stderr_fd};
  std::size_t count = 4;
  for (const ChildInput& input : spec.inputs) {
    if (input.number != 0 && count < std::size(needed)) needed[count++] = input.descriptor;
  }
  int lowest = 0;
  for (;;) {
    // The next one that is needed, in the order of their numbers.
    int next = -1;
    for (std::size_t i = 0; i < count; ++i) {
      if (needed[i] >= lowest && (next < 0 || needed[i] < next)) next = needed[i];
    }
    if (next < 0) break;
    if (next > lowest) {
      raw::close_range(static_cast<unsigned>(lowest), static_cast<unsigned>(next) - 1, 0);
    }
    lowest = next + 1;
  }
  raw::close_range(static_cast<unsigned>(lowest), ~0U, 0);
}

long monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// pid 1's life: reaps whatever is orphaned, tells the program's end, goes when the host goes.
[[noreturn]] void init_loop(const ChildSpec& spec, int signals, pid_t program) {
  close_all_but(spec.socket, signals);
  pollfd watched[2] = {{.fd = spec.socket, .events = 0, .revents = 0},
                       {.fd = signals, .events = POLLIN, .revents = 0}};
  const long deadline = monotonic_ms() + spec.backstop_ms;
  for (;;) {
    // The host's clock decides; ours is for a host that is stopped (SIGSTOP) and can't.
    const long rest = deadline - monotonic_ms();
    if (rest <= 0) ::_exit(125);
    if (::poll(watched, 2, rest < 60'000 ? static_cast<int>(rest) : 60'000) < 0 && errno != EINTR) {
      ::_exit(125);
    }
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) ::_exit(125);
    if ((watched[1].revents & POLLIN) == 0) continue;
    signalfd_siginfo info;
    (void)::read(signals, &info, sizeof info);
    int status = 0;
    pid_t pid = 0;
    bool ended = false;
    int program_status = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != program) continue;
      ended = true;
      program_status = status;
    }
    if (!ended) continue;
    // Whatever the program left behind has become our child: ECHILD proves that there is nothing.
    const ChildMessage message{.kind = MessageKind::kExited,
                               .wait_status = program_status,
                               .alone = pid < 0 && errno == ECHILD ? 1 : 0};
    (void)::send(spec.socket, &message, sizeof message, MSG_NOSIGNAL);
    ::_exit(0);
  }
}

void reset_signals() {
  for (int signal = 1; signal < 65; ++signal) (void)raw::reset_signal(signal);
}

}  // namespace

const char* to_string(LaunchStep step) {
  static constexpr const char* kNames[] = {"none",
                                           "network namespace",
                                           "wait for go",
                                           "join cgroup",
                                           "cgroup namespace",
                                           "set ids",
                                           "new session",
                                           "loopback",
                                           "root tmpfs",
                                           "private volume",
                                           "mount",
                                           "mount /proc",
                                           "read-only /",
                                           "copy input",
                                           "pivot_root",
                                           "detach old root",
                                           "hostname",
                                           "chdir",
                                           "setrlimit",
                                           "drop capabilities",
                                           "no_new_privs",
                                           "Landlock",
                                           "seccomp",
                                           "stdio",
                                           "fork",
                                           "execve"};
  static_assert(sizeof kNames / sizeof *kNames == static_cast<std::size_t>(LaunchStep::kCount));
  return kNames[static_cast<std::size_t>(step)];
}

int open_bind_tree(const ChildMount& mount) {
  // Always recursive: cloning a mount without the locked mounts below it is EINVAL
  // (mount_namespaces(7)).
  const int tree = raw::open_tree(AT_FDCWD, mount.source,
                                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | raw::kAtRecursive);
  if (tree < 0) return -1;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID;
  if (mount.kind == MountKind::kDevice) {
    // Read-only concerns the inode (its times, its mode), not what is written to the device.
    attributes.attr_set |= MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY;
  } else {
    attributes.attr_set |= MOUNT_ATTR_NODEV;
  }
  if ((mount.flags & kMountReadOnly) != 0) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if ((mount.flags & kMountNoExec) != 0) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  if (raw::mount_setattr(tree, "", AT_EMPTY_PATH | raw::kAtRecursive, attributes) < 0) {
    const int saved = errno;
    ::close(tree);
    errno = saved;
    return -1;
  }
  return tree;
}

int make_root_tmpfs() {
  const int fs = raw::fsopen("tmpfs");
  if (fs < 0) return -1;
  int root = -1;
  if (raw::fsconfig_string(fs, "size", "1m") == 0 &&
      raw::fsconfig_string(fs, "mode", "0755") == 0 &&
      raw::fsconfig_string(fs, "nr_inodes", "4096") == 0 && raw::fsconfig_create(fs) == 0) {
    root = raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  }
  const int saved = errno;
  ::close(fs);
  errno = saved;
  return root;
}

TreeFailure build_shared_tree(int root, ChildArray<ChildMount> mounts, const int* trees) {
  for (std::size_t i = 0; i < mounts.size; ++i) {
    const ChildMount& mount = mounts.data[i];
    int result = 0;
    if (mount.kind == MountKind::kDirectory) {
      result = make_directory(root, mount.target, mount.mode);
    } else if (mount.kind == MountKind::kFile) {
      result = make_file(root, mount);
    } else if (mount.kind == MountKind::kSymlink) {
      result = make_parents(root, mount.target);
      if (result == 0) result = ::symlinkat(mount.source, root, mount.target);
    } else {
      result = make_mount_point(root, mount);
      if (result == 0 && is_bind(mount) && !is_per_run(mount)) {
        const int tree = trees != nullptr ? trees[i] : open_bind_tree(mount);
        result = tree < 0 ? -1 : attach(tree, root, mount.target);
      }
    }
    if (result < 0) {
      return {.step = LaunchStep::kMount, .errno_value = errno, .detail = static_cast<int>(i)};
    }
  }
  return {};
}

int make_read_only(int root) {
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  return raw::mount_setattr(root, "", AT_EMPTY_PATH, read_only);
}

void child_main(const ChildSpec& spec) {
  Launch launch(spec);
  reset_signals();
  if (spec.own_network) {
    launch.begin(LaunchStep::kNetworkNamespace);
    launch.need(raw::unshare(CLONE_NEWNET));
  }
  wait_for_go(launch, spec);
  take_ids(launch, spec);
  if (spec.bring_up_loopback) bring_up_loopback(launch);
  build_root(launch, spec);
  launch.begin(LaunchStep::kHostname);
  launch.need(::sethostname(spec.hostname, spec.hostname_size));
  launch.begin(LaunchStep::kWorkingDirectory);
  launch.need(::chdir(spec.cwd));
  ::umask(022);
  close_what_is_not_needed(spec);

  launch.begin(LaunchStep::kFork);
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  launch.need(::sigprocmask(SIG_SETMASK, &child_ended, nullptr));
  const int signals = static_cast<int>(launch.need(::signalfd(-1, &child_ended, SFD_CLOEXEC)));
  drop_privileges(launch, spec);

  launch.begin(LaunchStep::kFork);
  // vfork: the program's side runs on this stack until execve; nothing that it changes in memory is
  // read again here.
  // NOLINTBEGIN(bugprone-unsafe-functions,clang-analyzer-*): left by execve or _exit only
  const pid_t program = ::vfork();
  launch.need(program);
  if (program == 0) run_program(launch, spec);
  // NOLINTEND(bugprone-unsafe-functions,clang-analyzer-*)
  init_loop(spec, signals, program);
}

}  // namespace sandpit::jail
