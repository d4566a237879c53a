// Is denied N (argument 1) times: each denial may be something that somebody writes down.
#include <sys/socket.h>

#include "common.h"
int main(int argc, char** argv) {
  long most = atol(argv[1]), denied = 0;
  for (long i = 0; i < most; ++i) {
    int fd = socket(40 /* vsock */, SOCK_STREAM, i & 0xFF);
    if (fd < 0)
      ++denied;
    else
      close(fd);
  }
  printf("%ld denied\n", denied);
  escapes = denied < most;
  return verdict();
}
