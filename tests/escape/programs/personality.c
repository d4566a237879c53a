// Switches the randomising of addresses off for what it executes.
#include <sys/personality.h>

#include "common.h"
int main(void) {
  attempt("personality", syscall(SYS_personality, ADDR_NO_RANDOMIZE));
  return verdict();
}
