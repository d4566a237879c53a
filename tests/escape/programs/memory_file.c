// Holds N (argument 1) MiB in memory files that nobody maps.
#include <sys/mman.h>

#include "common.h"
int main(int argc, char** argv) {
  static char block[1 << 20];
  long made = 0, most = atol(argv[1]);
  memset(block, 'x', sizeof block);
  for (; made < most; ++made) {
    int fd = memfd_create("m", 8 /* MFD_NOEXEC_SEAL, Linux 6.3 */);
    if (fd < 0) fd = memfd_create("m", 0);
    if (fd < 0 || write(fd, block, sizeof block) != sizeof block) break;
  }
  printf("%ld MiB\n", made);
  escapes = made >= most;
  return verdict();
}
