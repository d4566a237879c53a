// Makes another directory the root and takes the old one along. Outside: in a mount namespace of
// its own, on a file system that it has just mounted.
#include "common.h"
int main(void) {
  mkdir("new", 0755);
  mount("none", "new", "tmpfs", 0, 0);
  mkdir("new/old", 0755);
  attempt("pivot_root", syscall(SYS_pivot_root, "new", "new/old"));
  return verdict();
}
