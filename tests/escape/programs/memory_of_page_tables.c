// Holds N (argument 1) MiB of page tables and none of its own: it reads a byte in each 2 MiB of an
// area that shows the page of zeros.
#include <sys/mman.h>

#include "common.h"
int main(int argc, char** argv) {
  long tables = atol(argv[1]) * 256, made = 0;
  volatile char byte;
  for (; made < tables; made += 512) {  // by the GiB
    char* p = mmap(0, 1L << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) break;
    madvise(p, 1L << 30, MADV_NOHUGEPAGE);
    for (long i = 0; i < 1L << 30; i += 1 << 21) byte = p[i];
  }
  printf("%ld tables\n", made);
  escapes = made >= tables;
  return verdict();
}
