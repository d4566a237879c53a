// Takes N (argument 1) thousand locks, each on a byte of a file: kernel memory for each.
#include "common.h"
int main(int argc, char** argv) {
  long made = 0, most = atol(argv[1]) * 1000;
  for (int file = 0; made < most; ++file) {
    char name[32];
    snprintf(name, sizeof name, "locked-%d", file);
    int fd = open(name, O_CREAT | O_RDWR, 0600);
    if (fd < 0) break;
    // Downwards, so that each new lock is the first that the kernel looks at.
    for (long i = 1000; i > 0 && made < most; --i) {
      struct flock lock = {F_WRLCK, SEEK_SET, 2 * i, 1};
      if (fcntl(fd, F_SETLK, &lock) != 0) goto end;
      ++made;
    }
  }
end:
  printf("%ld locks\n", made);
  escapes = made >= most;
  return verdict();
}
