// Attaches to other processes: its parent, pid 1, a child of its own; reads their memory by
// process_vm_readv and /proc.
#include <sys/uio.h>

#include "common.h"
int main(void) {
  pid_t child = child_of();
  if (child == 0) {
    sleep(30);
    _exit(0);
  }
  pid_t targets[] = {child, getppid()};
  for (int i = 0; i < 2; ++i) {
    char byte, path[64];
    struct iovec local = {&byte, 1}, remote = {(void*)&targets, 1};
    const long copied = process_vm_readv(targets[i], &local, 1, &remote, 1, 0);
    // No such address there: it was let look.
    attempt("process_vm_readv", copied < 0 && errno == EFAULT ? 0 : copied);
    if (attempt("ptrace seize", ptrace(PTRACE_SEIZE, targets[i], 0, 0)) == 0)
      ptrace(PTRACE_DETACH, targets[i], 0, 0);
    if (targets[i] != child) {
      snprintf(path, sizeof path, "/proc/%d/mem", targets[i]);
      attempt("open mem", open(path, O_RDWR));
    }
    int fd = syscall(SYS_pidfd_open, targets[i], 0);
    if (fd >= 0) attempt("pidfd_getfd", syscall(438, fd, 0, 0));
  }
  kill(child, SIGKILL);
  return verdict();
}
