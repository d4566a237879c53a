// Lets the kernel merge its pages with equal ones of others: their contents show in the timing.
#include <sys/mman.h>

#include "common.h"
int main(void) {
  void* page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  attempt("madvise", madvise(page, 4096, MADV_MERGEABLE));
  return verdict();
}
