// Compares kernel pointers of two processes: an order of secret addresses.
#include <linux/kcmp.h>

#include "common.h"
int main(void) {
  attempt("kcmp", syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 0, 1));
  return verdict();
}
