// Writes into another process's memory: a child's, by the call and through /proc, and its parent's.
#include <sys/uio.h>

#include "common.h"
static volatile int word = 1;
int main(void) {
  pid_t child = child_of();
  if (child == 0) {
    while (word == 1) usleep(1000);
    _exit(7);
  }
  int two = 2;
  struct iovec local = {&two, sizeof two}, remote = {(void*)&word, sizeof word};
  attempt("process_vm_writev", process_vm_writev(child, &local, 1, &remote, 1, 0));
  kill(child, SIGKILL);
  return verdict();
}
