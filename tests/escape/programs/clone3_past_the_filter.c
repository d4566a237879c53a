// clone3 has its flags in memory, where no filter sees them: a filter that allows it to be called
// (as container runtimes once did) lets new user namespaces through.
#include <linux/sched.h>

#include "common.h"
int main(void) {
  struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWNS, .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) _exit(0);
  attempt("clone3", child);
  return verdict();
}
