// Rewrites what the kernel keeps of its memory map (PR_SET_MM): the end of its heap, to what it is.
#include "common.h"
int main(void) {
  attempt("PR_SET_MM_BRK", prctl(PR_SET_MM, PR_SET_MM_BRK, sbrk(0), 0, 0));
  return verdict();
}
