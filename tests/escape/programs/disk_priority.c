// Goes before everybody else at the disk.
#include "common.h"
int main(void) {
  attempt("ioprio_set", syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 0));
  return verdict();
}
