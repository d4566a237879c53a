// Stops, by the signal whose number is argument 1: a parent that waits for its end waits for ever.
// A child does it, in a process group of its own, because the kernel stops no orphaned group.
#include "common.h"
int main(int argc, char** argv) {
  puts("stopping");
  fflush(stdout);
  pid_t child = child_of();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setpgid(0, 0);
    kill(getpid(), atoi(argv[1]));
    _exit(0);
  }
  waitpid(child, 0, 0);
  puts("ESCAPED");
  return 0;
}
