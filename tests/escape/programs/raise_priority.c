// Takes processor time from everybody: a nice value below nought.
#include <sys/resource.h>

#include "common.h"
int main(void) {
  attempt("setpriority", setpriority(PRIO_PROCESS, 0, -10));
  errno = 0;
  if (nice(-5) < 0 && errno == 0) attempt("nice", 0);
  return verdict();
}
