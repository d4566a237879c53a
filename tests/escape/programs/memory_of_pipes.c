// Holds N (argument 1) MiB in pipes that nobody reads.
#include <sys/uio.h>

#include "common.h"
int main(int argc, char** argv) {
  static char block[1 << 20];
  long held = 0, most = atol(argv[1]) << 20;
  memset(block, 'x', sizeof block);
  while (held < most) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0) break;
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    long n = write(ends[1], block, sizeof block);
    if (n > 0) held += n;
  }
  printf("%ld MiB\n", held >> 20);
  escapes = held >= most;
  return verdict();
}
