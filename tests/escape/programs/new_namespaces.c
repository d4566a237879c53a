// Makes namespaces of every kind by unshare, clone and clone3.
#include <linux/sched.h>

#include "common.h"
static int nothing(void* unused) { return 0; }
static char stack[65536];
int main(void) {
  struct {
    const char* name;
    int flag;
  } kinds[] = {{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
               {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
               {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    char what[64];
    pid_t child = child_of();
    if (child == 0) _exit(unshare(kinds[i].flag) == 0 ? 0 : errno);
    int status;
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status);
    snprintf(what, sizeof what, "unshare %s", kinds[i].name);
    attempt(what, status == 0 ? 0 : -1);
    if (kinds[i].flag != 0x80) {
      snprintf(what, sizeof what, "clone %s", kinds[i].name);
      attempt(what, clone(nothing, stack + sizeof stack, kinds[i].flag | SIGCHLD, 0));
      struct clone_args args = {.flags = (unsigned)kinds[i].flag, .exit_signal = SIGCHLD};
      long made = syscall(SYS_clone3, &args, sizeof args);
      if (made == 0) _exit(0);
      snprintf(what, sizeof what, "clone3 %s", kinds[i].name);
      attempt(what, made);
    }
  }
  return verdict();
}
