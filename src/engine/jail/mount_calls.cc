#include "engine/jail/mount_calls.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "sys/raw.h"

namespace sandpit::jail {

namespace raw = sys::raw;

int move_tree(int tree, int directory, const char* name) {
  return raw::move_mount(tree, directory, name);
}

int pivot_into(int tree) {
  if (::fchdir(tree) < 0 || raw::pivot_root(".", ".") < 0) return -1;
  return raw::umount2(".", raw::kUmountDetach) < 0 ? -1 : ::chdir("/");
}

int dead_proc() {
  // The child is the only process that its pid namespace ever has. It shares our descriptors and
  // tells the number by its status.
  clone_args args{};
  args.flags = CLONE_NEWPID | CLONE_FILES;
  args.exit_signal = SIGCHLD;
  const pid_t pid = raw::clone3(args);
  if (pid < 0) return -1;
  if (pid == 0) {
    int proc = -1;
    const int fs = raw::fsopen("proc");
    if (fs >= 0 && raw::fsconfig_string(fs, "hidepid", "invisible") == 0 &&
        raw::fsconfig_string(fs, "subset", "pid") == 0 && raw::fsconfig_create(fs) == 0) {
      proc = raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    }
    if (fs >= 0) ::close(fs);
    ::_exit(proc > 0 && proc < 255 ? proc : 255);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) == 255) {
    errno = EPERM;
    return -1;
  }
  return WEXITSTATUS(status);
}

int idmap_tree(int tree, int user_namespace) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace);
  return raw::mount_setattr(tree, "", AT_EMPTY_PATH | raw::kAtRecursive, attributes);
}

}  // namespace sandpit::jail
