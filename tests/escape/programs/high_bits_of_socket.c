// A denied socket family, with bits in the upper half of the argument that the kernel ignores.
#include <sys/socket.h>

#include "common.h"
int main(void) {
  attempt("socket", syscall(SYS_socket, 1UL << 32 | AF_PACKET, 1UL << 40 | SOCK_RAW, 0x300));
  return verdict();
}
