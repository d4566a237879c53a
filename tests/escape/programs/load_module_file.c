// Loads a kernel module from a file, with flags that do not exist.
#include "common.h"
int main(void) {
  reached("finit_module", syscall(SYS_finit_module, open("/bin/true", O_RDONLY), "", 1 << 30));
  return verdict();
}
