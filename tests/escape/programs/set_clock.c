// Sets the host's clock: the length of its tick, to what it is.
#include <sys/timex.h>

#include "common.h"
int main(void) {
  struct timex t = {.modes = 0};
  adjtimex(&t);
  struct timex same = {.modes = ADJ_TICK, .tick = t.tick ? t.tick : 10000};
  attempt("adjtimex", adjtimex(&same));
  return verdict();
}
