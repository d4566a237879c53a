// Brings a program of its own into the kernel: a classic BPF filter on a socket.
#include <linux/filter.h>
#include <sys/socket.h>

#include "common.h"
int main(void) {
  struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, 0xFFFF)};
  struct sock_fprog program = {1, all};
  int ends[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
  attempt("SO_ATTACH_FILTER",
          setsockopt(ends[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  return verdict();
}
