// Uses the kernel's own asynchronous input and output.
#include "common.h"
int main(void) {
  unsigned long context = 0;
  attempt("io_setup", syscall(SYS_io_setup, 4, &context));
  return verdict();
}
