// Asks on which memory node of the host its pages are, and moves them.
#include "common.h"
int main(void) {
  static char page[4096] __attribute__((aligned(4096)));
  page[0] = 1;
  void* pages[1] = {page};
  int status[1];
  attempt("move_pages", syscall(SYS_move_pages, 0, 1, pages, 0, status, 0));
  return verdict();
}
