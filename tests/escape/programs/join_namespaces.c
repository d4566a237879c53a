// Joins namespaces by descriptors of /proc: those of the first process that it may look at; and by
// the descriptor of a process.
#include "common.h"
int main(void) {
  // But for the user's, which nobody may join who is in it.
  const char* kinds[] = {"uts", "ipc", "net", "cgroup", "pid", "mnt"};
  for (int i = 0; i < 6; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/proc/1/ns/%s", kinds[i]);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
      snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]), fd = open(path, O_RDONLY);
    if (fd < 0) {
      perror(path);
      continue;
    }
    attempt(path, setns(fd, 0));
  }
  const int process = syscall(SYS_pidfd_open, getpid(), 0);
  attempt("setns by pidfd", setns(process, CLONE_NEWUTS | CLONE_NEWIPC));
  return verdict();
}
