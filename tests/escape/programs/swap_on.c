// Makes a file a part of the host's memory: swapon of something that is no swap space.
#include "common.h"
int main(void) {
  reached("swapon", syscall(SYS_swapon, "/dev/null", 0));
  return verdict();
}
