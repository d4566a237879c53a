// Watches a directory of the host with dnotify, the older way, which needs no call of its own:
// argument is a directory in which the host reads files meanwhile.
#include <time.h>

#include "common.h"
int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigprocmask(SIG_BLOCK, &signals, 0);
  int fd = open(argv[1], O_RDONLY | O_DIRECTORY);
  fcntl(fd, F_SETSIG, SIGUSR1);
  if (fcntl(fd, F_NOTIFY, 0x00000001 /* DN_ACCESS */ | 0x80000000 /* DN_MULTISHOT */) == 0) {
    puts("watching");
    fflush(stdout);
    struct timespec patience = {5, 0};
    attempt("told that the host read a file", sigtimedwait(&signals, 0, &patience));
  } else {
    perror("F_NOTIFY");
  }
  return verdict();
}
