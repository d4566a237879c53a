// Takes an open descriptor out of another process (a child) by pidfd_getfd.
#include "common.h"
int main(void) {
  int ends[2];
  pipe(ends);
  const pid_t child = child_of();
  if (child == 0) {
    close(ends[1]);
    char byte;
    read(ends[0], &byte, 1);
    _exit(0);
  }
  const int process = syscall(SYS_pidfd_open, child, 0);
  if (process < 0) perror("pidfd_open");
  attempt("pidfd_getfd", syscall(438, process, 0, 0));
  close(ends[1]);
  waitpid(child, 0, 0);
  return verdict();
}
