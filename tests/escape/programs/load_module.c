// Loads a kernel module. The image is no module: whoever may load one learns just that.
#include "common.h"
int main(void) {
  char image[64] = "no module";
  reached("init_module", syscall(SYS_init_module, image, sizeof image, ""));
  return verdict();
}
