// Begins to watch files by fanotify, which can watch and hold up a whole file system.
#include "common.h"
int main(void) {
  attempt("fanotify_init", syscall(SYS_fanotify_init, 0x200, O_RDONLY));  // FAN_REPORT_FID
  return verdict();
}
