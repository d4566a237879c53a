// Makes a set-user-id program in a granted directory (argument 1), by each call that takes a mode.
#include "common.h"
static void look(const char* what, const char* path) {
  struct stat status;
  errno = EPERM;
  attempt(what, lstat(path, &status) == 0 && (status.st_mode & 06000) ? 0 : -1);
}
int main(int argc, char** argv) {
  chdir(argv[1]);
  umask(0);
  close(open("plain", O_CREAT | O_RDWR, 0755));
  chmod("plain", 04755), look("chmod", "plain");
  fchmod(open("plain", O_RDWR), 02755), look("fchmod", "plain");
  fchmodat(AT_FDCWD, "plain", 06755, 0), look("fchmodat", "plain");
  syscall(452, AT_FDCWD, "plain", 06755, 0), look("fchmodat2", "plain");
  open("opened", O_CREAT | O_RDWR, 04755), look("open", "opened");
  creat("created", 04755), look("creat", "created");
  mknod("node", S_IFREG | 04755, 0), look("mknod", "node");
  syscall(437, AT_FDCWD, "how", (unsigned long[]){O_CREAT | O_RDWR, 04755, 0}, 24);
  look("openat2", "how");
  return verdict();
}
