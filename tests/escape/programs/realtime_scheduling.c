// Becomes a real-time process, before which nothing ordinary runs.
#include "common.h"
int main(void) {
  struct sched_param parameter = {1};
  attempt("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &parameter));
  attempt("SCHED_RR", sched_setscheduler(0, SCHED_RR | 0x40000000, &parameter));
  return verdict();
}
