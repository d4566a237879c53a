// Lets the kernel send the signal: a pipe whose owner is another process (argument 1), with SIGKILL
// as the signal of its readiness.
#include "common.h"
int main(int argc, char** argv) {
  int ends[2];
  pipe(ends);
  fcntl(ends[0], F_SETSIG, SIGKILL);
  int owned = fcntl(ends[0], F_SETOWN, atoi(argv[1]));
  fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
  write(ends[1], "x", 1);
  attempt("F_SETOWN", owned);
  return verdict();
}
