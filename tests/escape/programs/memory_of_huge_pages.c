// Takes N (argument 1) pages of 2 MiB out of the host's reserve, which is set aside at boot and
// belongs to no memory limit.
#include <sys/mman.h>

#include "common.h"
int main(int argc, char** argv) {
  long size = atol(argv[1]) << 21;
  char* p = mmap(0, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, -1, 0);
  if (p != MAP_FAILED) {
    for (long i = 0; i < size; i += 1 << 21) p[i] = 1;
    ++escapes;
  }
  perror("mmap");
  return verdict();
}
