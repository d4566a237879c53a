// Asks to handle page faults itself: with that, the kernel can be stopped in the midst of a call.
#include "common.h"
int main(void) {
  attempt("userfaultfd", syscall(SYS_userfaultfd, 1));  // UFFD_USER_MODE_ONLY
  return verdict();
}
