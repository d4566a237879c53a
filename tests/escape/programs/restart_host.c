// Restarts the host, with a magic number that is wrong.
#include "common.h"
int main(void) {
  reached("reboot", syscall(SYS_reboot, 0xFEE1DEAD, 1, 0x01234567, 0));
  return verdict();
}
