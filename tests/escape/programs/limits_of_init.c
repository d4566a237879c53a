// Raises or lowers the limits of the jail's init, which has the same user id, and stops it.
#include <sys/resource.h>

#include "common.h"
int main(int argc, char** argv) {
  pid_t target = argc > 1 ? atoi(argv[1]) : 1;
  struct rlimit limit;
  attempt("read limits", prlimit(target, RLIMIT_NOFILE, 0, &limit));
  kill(target, SIGSTOP);
  kill(target, SIGKILL);
  usleep(200000);
  return verdict();
}
