// Raw system calls and constants that Debian 12's headers lack or that glibc wraps with locks and
// signals. Every function is async-signal-safe: no allocation, errno is set as by syscall(2). Used
// by child.cc after clone, and by the engine before it.
#pragma once

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>

namespace sandpit::sys::raw {

// <sys/mount.h> and <linux/mount.h> clash in glibc 2.36; these are the few names needed from both
// (mount(2), umount2(2)).
inline constexpr int kUmountDetach = 2;           // MNT_DETACH
inline constexpr unsigned kAtRecursive = 0x8000;  // AT_RECURSIVE

inline int open_tree(int dir, const char* path, unsigned flags) {
  return static_cast<int>(::syscall(SYS_open_tree, dir, path, flags));
}
inline int move_mount(int from, int to_dir, const char* to_path) {
  return static_cast<int>(
      ::syscall(SYS_move_mount, from, "", to_dir, to_path, MOVE_MOUNT_F_EMPTY_PATH));
}
inline int fsopen(const char* type) {
  return static_cast<int>(::syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}
inline int fsconfig_string(int fd, const char* key, const char* value) {
  return static_cast<int>(::syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, key, value, 0));
}
inline int fsconfig_create(int fd) {
  return static_cast<int>(::syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
}
inline int fsmount(int fd, unsigned attributes) {
  return static_cast<int>(::syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes));
}
inline int mount_setattr(int dir, const char* path, unsigned flags, const mount_attr& attributes) {
  return static_cast<int>(
      ::syscall(SYS_mount_setattr, dir, path, flags, &attributes, sizeof attributes));
}
inline int pivot_root(const char* new_root, const char* put_old) {
  return static_cast<int>(::syscall(SYS_pivot_root, new_root, put_old));
}
inline int umount2(const char* path, int flags) {
  return static_cast<int>(::syscall(SYS_umount2, path, flags));
}
inline int close_range(unsigned first, unsigned last, unsigned flags) {
  return static_cast<int>(::syscall(SYS_close_range, first, last, flags));
}
inline pid_t clone3(const clone_args& args) {
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}
inline int pidfd_send_signal(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}
// The raw id calls: glibc's wrappers signal every thread of the process (setxid), which must not
// happen after clone.
inline int setresuid(uid_t id) { return static_cast<int>(::syscall(SYS_setresuid, id, id, id)); }
inline int setresgid(gid_t id) { return static_cast<int>(::syscall(SYS_setresgid, id, id, id)); }
inline int setgroups_none() { return static_cast<int>(::syscall(SYS_setgroups, 0, nullptr)); }
// struct kernel_sigaction of x86-64; as it stands here: SIG_DFL, no flags, empty mask.
struct KernelAction {
  unsigned long handler = 0;
  unsigned long flags = 0;
  unsigned long restorer = 0;
  unsigned long mask = 0;
};
// Of any signal, read or set as by sigaction(2): glibc's refuses 32 and 33, its own.
inline int set_action(int signal, const KernelAction* action, KernelAction* before) {
  return static_cast<int>(::syscall(SYS_rt_sigaction, signal, action, before, sizeof action->mask));
}
// To the default; glibc's own too may have been inherited as ignored.
inline int reset_signal(int signal) {
  const KernelAction action;
  return set_action(signal, &action, nullptr);
}
inline int unshare(unsigned long flags) { return static_cast<int>(::syscall(SYS_unshare, flags)); }

}  // namespace sandpit::sys::raw
