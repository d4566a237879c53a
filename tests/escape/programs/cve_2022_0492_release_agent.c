// CVE-2022-0492: names a program that the host's root will start when a cgroup becomes empty. It
// makes a hierarchy of its own, in new user and cgroup namespaces where it can, and looks for a
// ready-made one.
#include "common.h"
int main(void) {
  char name[64];
  snprintf(name, sizeof name, "none,name=sandpit-test-%d", getpid());
  if (geteuid() != 0) unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP);
  mkdir("group", 0755);
  if (mount("cgroup", "group", "cgroup", 0, name) != 0) perror("mount");
  const char* places[] = {"group/release_agent", "/sys/fs/cgroup/release_agent",
                          "/sys/fs/cgroup/rdma/release_agent", "/proc/1/root/sys/fs/cgroup"};
  for (int i = 0; i < 4; ++i) {
    int fd = open(places[i], O_WRONLY);
    if (attempt(places[i], fd) >= 0) attempt("write", write(fd, "", 0));
  }
  umount2("group", MNT_DETACH);
  return verdict();
}
