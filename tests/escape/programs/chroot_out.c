// The classic way out of a chroot: a second chroot below, then up. And mknod of a disk, pivot_root.
#include "common.h"
int main(void) {
  mkdir("/tmp/below", 0700);
  int here = open("/", O_RDONLY | O_DIRECTORY);
  pid_t child = child_of();
  if (child == 0) {
    if (chroot("/tmp/below") != 0) _exit(errno);
    fchdir(here);
    for (int i = 0; i < 64; ++i) chdir("..");
    _exit(chroot(".") == 0 ? 0 : errno);
  }
  int status;
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  attempt("chroot", status == 0 ? 0 : -1);
  rmdir("/tmp/below");
  return verdict();
}
