// Sets up an io_uring, whose operations no filter of system calls sees.
#include "common.h"
int main(void) {
  char parameters[256] = {0};
  attempt("io_uring_setup", syscall(SYS_io_uring_setup, 4, parameters));
  return verdict();
}
