// System calls by the 32-bit entry (int 0x80), where a filter that forgets the architecture sees
// other numbers. A killed attempt is contained.
#include "common.h"
int main(void) {
  fflush(stdout);
  pid_t child = child_of();
  if (child == 0) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");  // getpid of i386
    _exit(result == getpid() ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  printf("int 0x80: status %x\n", status);
  if (status == 0) ++escapes;
  child = child_of();
  if (child == 0) _exit(syscall(0x40000000 | SYS_getpid) == getpid() ? 0 : 1);  // x32
  waitpid(child, &status, 0);
  printf("x32: status %x\n", status);
  if (status == 0) ++escapes;
  return verdict();
}
