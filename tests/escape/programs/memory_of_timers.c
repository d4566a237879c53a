// Makes N (argument 1) timers, each a piece of kernel memory.
#include <time.h>

#include "common.h"
int main(int argc, char** argv) {
  long made = 0, most = atol(argv[1]);
  struct sigevent none = {.sigev_notify = SIGEV_NONE};
  for (timer_t timer; made < most; ++made)
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &timer) != 0) break;
  printf("%ld timers\n", made);
  escapes = made >= most;
  return verdict();
}
