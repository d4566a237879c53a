// Takes a lease on a file (argument 1) and never gives it back: whoever opens the file then waits
// for lease-break-time, 45 seconds on most hosts. Argument 2: r or w.
#include "common.h"
int main(int argc, char** argv) {
  signal(SIGIO, SIG_IGN);
  int kind = argv[2][0] == 'r' ? F_RDLCK : F_WRLCK;
  int fd = open(argv[1], kind == F_RDLCK ? O_RDONLY : O_WRONLY);
  attempt("F_SETLEASE", fcntl(fd, F_SETLEASE, kind));
  puts(escapes ? "taken" : "denied");
  fflush(stdout);
  if (escapes) sleep(20);
  return verdict();
}
