// Mounts, remounts, unmounts, by the old and the new interface. Outside it is run in a mount
// namespace of its own.
#include "common.h"
int main(void) {
  attempt("mount tmpfs", mount("none", "/tmp", "tmpfs", 0, 0));
  attempt("mount proc", mount("none", "/tmp", "proc", 0, 0));
  attempt("remount /", mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0));
  attempt("bind /", mount("/", "/tmp", 0, MS_BIND, 0));
  attempt("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  const int tree = syscall(SYS_open_tree, AT_FDCWD, "/usr", 1);  // OPEN_TREE_CLONE
  attempt("open_tree", tree);
  attempt("move_mount", syscall(SYS_move_mount, tree, "", AT_FDCWD, "/tmp", 4));
  attempt("umount", umount2("/tmp", MNT_DETACH));
  return verdict();
}
