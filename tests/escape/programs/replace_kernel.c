// Loads another kernel for the next restart, for an architecture that does not exist.
#include "common.h"
int main(void) {
  reached("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0x7FFF0000));
  return verdict();
}
