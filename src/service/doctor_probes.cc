#include "service/doctor_probes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "sys/raw.h"

namespace sandpit::doctor {
namespace {

constexpr unsigned long kMountPrivate = 1U << 18U;    // MS_PRIVATE
constexpr unsigned long kMountRecursive = 1U << 14U;  // MS_REC

int mount(const char* source, const char* target, const char* type, unsigned long flags) {
  return static_cast<int>(::syscall(SYS_mount, source, target, type, flags, nullptr));
}

// Runs `body` in a child and answers what it returned: 0 or an errno. The child can't outlive a few
// seconds.
template <class Body>
int in_child(Body body) {
  const pid_t pid = ::fork();
  if (pid < 0) return errno;
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::alarm(5);
    ::_exit(body());
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

int write_file(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) < 0) return errno;
  return 0;
}

// Recursive: what is below another user namespace's mount can't be left out of a copy (EINVAL).
int copy_of_root() {
  return sys::raw::open_tree(AT_FDCWD, "/",
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | sys::raw::kAtRecursive);
}

// The calling process becomes root of a new user namespace in which only this user exists.
int enter_user_namespace() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (sys::raw::unshare(CLONE_NEWUSER) < 0) return errno;
  if (const int error = write_file("/proc/self/setgroups", "deny")) return error;
  if (const int error = write_file("/proc/self/uid_map", fmt::format("0 {} 1", uid))) return error;
  return write_file("/proc/self/gid_map", fmt::format("0 {} 1", gid));
}

int enter_private_mounts() {
  if (const int error = enter_user_namespace()) return error;
  if (sys::raw::unshare(CLONE_NEWNS) < 0) return errno;
  return mount(nullptr, "/", nullptr, kMountPrivate | kMountRecursive) < 0 ? errno : 0;
}

int install_filter(unsigned flags) {
  std::array<sock_filter, 1> allow{BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = 1, .filter = allow.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return errno;
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0 ? errno : 0;
}

}  // namespace

int try_user_namespace() {
  return in_child([] {
    if (const int error = enter_user_namespace()) return error;
    return sys::raw::unshare(CLONE_NEWUTS) < 0 ? errno : 0;
  });
}

int try_namespace(int flag) {
  return in_child([flag] {
    if (const int error = enter_user_namespace()) return error;
    return sys::raw::unshare(static_cast<unsigned long>(flag)) < 0 ? errno : 0;
  });
}

int try_fresh_proc() {
  return in_child([] {
    if (const int error = enter_private_mounts()) return error;
    if (sys::raw::unshare(CLONE_NEWPID) < 0) return errno;
    // A procfs shows the pid namespace of who mounts it: the next child's.
    return in_child([] { return mount("proc", "/proc", "proc", 0) < 0 ? errno : 0; });
  });
}

int try_open_tree() {
  return in_child([] {
    if (const int error = enter_private_mounts()) return error;
    return copy_of_root() < 0 ? errno : 0;
  });
}

int try_mount_setattr() {
  return in_child([] {
    if (const int error = enter_private_mounts()) return error;
    const int tree = copy_of_root();
    if (tree < 0) return errno;
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    return sys::raw::mount_setattr(tree, "", AT_EMPTY_PATH | sys::raw::kAtRecursive, attributes) < 0
               ? errno
               : 0;
  });
}

int try_idmapped_mount(const std::string& path) {
  return in_child([&path] {
    const int parent_map = ::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (parent_map < 0) return errno;
    std::array<int, 2> ready{};
    if (::pipe2(ready.data(), O_CLOEXEC) < 0) return errno;
    const pid_t holder = ::fork();  // its user namespace is the map
    if (holder < 0) return errno;
    if (holder == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::alarm(5);
      const auto error = static_cast<unsigned char>(enter_user_namespace());
      (void)!::write(ready[1], &error, 1);
      ::pause();
      ::_exit(0);
    }
    unsigned char error = 0;
    if (::read(ready[0], &error, 1) != 1) return EIO;
    int result = error;
    if (result == 0) {
      const int map = ::open(fmt::format("/proc/{}/ns/user", holder).c_str(), O_RDONLY | O_CLOEXEC);
      const int tree =
          sys::raw::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
      mount_attr attributes{};
      attributes.attr_set = MOUNT_ATTR_IDMAP;
      attributes.userns_fd = static_cast<__u64>(map);
      if (map < 0 || tree < 0 || sys::raw::mount_setattr(tree, "", AT_EMPTY_PATH, attributes) < 0) {
        result = errno;
      }
    }
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
    return result;
  });
}

int try_seccomp_filter() {
  return in_child([] { return install_filter(0); });
}

int try_seccomp_notification() {
  return in_child([] { return install_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER); });
}

int try_clone_into_cgroup() {
  // A kernel (and container) that knows the flag rejects the descriptor, any other rejects the flag
  // or the call.
  clone_args args{};
  args.flags = CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<__u64>(0x7fffffff);
  const pid_t pid = sys::raw::clone3(args);
  if (pid == 0) ::_exit(0);
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return errno == EBADF ? 0 : errno;
}

int try_landlock() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0
             ? errno
             : 0;
}

}  // namespace sandpit::doctor
