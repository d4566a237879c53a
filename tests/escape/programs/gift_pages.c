// Gives pages of its own to a pipe (vmsplice), where it can still change them.
#include <sys/uio.h>

#include "common.h"
int main(void) {
  static char page[4096] __attribute__((aligned(4096)));
  int ends[2];
  pipe(ends);
  struct iovec part = {page, sizeof page};
  attempt("vmsplice", vmsplice(ends[1], &part, 1, SPLICE_F_GIFT));
  return verdict();
}
