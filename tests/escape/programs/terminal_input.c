// Pushes characters into a terminal's input queue; also with the upper half of the command set,
// which the kernel ignores.
#include "common.h"
int main(void) {
  char c = 'x';
  for (int fd = 0; fd < 3; ++fd) {
    errno = 0;
    long plain = syscall(SYS_ioctl, fd, (unsigned long)TIOCSTI, &c);
    printf("TIOCSTI %d: %s\n", fd, strerror(errno));
    if (plain == 0 || errno != EPERM)
      ++escapes;  // ENOTTY would mean that the filter let it through
    long high = syscall(SYS_ioctl, fd, 0x100000000UL | TIOCSTI, &c);
    if (high == 0 || errno != EPERM) ++escapes;
    long console = syscall(SYS_ioctl, fd, 0x541CUL, &c);
    if (console == 0 || errno != EPERM) ++escapes;
  }
  return verdict();
}
