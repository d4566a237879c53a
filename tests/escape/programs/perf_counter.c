// Opens a counter of the kernel's performance events.
#include <linux/perf_event.h>

#include "common.h"
int main(void) {
  struct perf_event_attr event = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .exclude_kernel = 1};
  attempt("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
  return verdict();
}
