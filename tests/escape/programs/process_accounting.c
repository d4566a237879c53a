// Lets the kernel write about every process of the host into a file (that does not exist).
#include "common.h"
int main(void) {
  reached("acct", syscall(SYS_acct, "/nonexistent/accounts"));
  return verdict();
}
