// Holds N (argument 1) MiB in a mapped file that has no name.
#include <sys/mman.h>

#include "common.h"
int main(int argc, char** argv) {
  long size = atol(argv[1]) << 20;
  int fd = open("mapped", O_CREAT | O_RDWR, 0600);
  unlink("mapped");
  if (ftruncate(fd, size) == 0) {
    char* p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (long i = 0; i < size; i += 4096) p[i] = 1;
    ++escapes;
  }
  return verdict();
}
