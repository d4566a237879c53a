// The same by sched_setattr, whose policy lies in memory: a deadline process.
#include "common.h"
int main(void) {
  struct {
    unsigned size, policy;
    unsigned long flags;
    int nice;
    unsigned priority;
    unsigned long runtime, deadline, period;
  } wish = {48, 6, 0, 0, 0, 1000000, 10000000, 10000000};
  attempt("SCHED_DEADLINE", syscall(SYS_sched_setattr, 0, &wish, 0));
  return verdict();
}
