// Holds N (argument 1) MiB in local sockets that nobody reads.
#include <sys/socket.h>

#include "common.h"
int main(int argc, char** argv) {
  static char block[65536];
  long held = 0, most = atol(argv[1]) << 20;
  while (held < most) {
    int ends[2], size = 1 << 20;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) break;
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    for (long n; held < most && (n = write(ends[0], block, sizeof block)) > 0;) held += n;
  }
  printf("%ld MiB\n", held >> 20);
  escapes = held >= most;
  return verdict();
}
