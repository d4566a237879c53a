// Makes and opens device nodes: disk, memory, console, and looks for ready-made ones in /dev.
#include <dirent.h>
#include <sys/sysmacros.h>

#include "common.h"
int main(void) {
  struct {
    const char* name;
    mode_t mode;
    dev_t device;
  } nodes[] = {{"disk", S_IFBLK, makedev(8, 0)},
               {"mem", S_IFCHR, makedev(1, 1)},
               {"null", S_IFCHR, makedev(1, 3)},
               {"tty", S_IFCHR, makedev(4, 0)}};
  for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/node-%d-%s", getpid(), nodes[i].name);
    if (attempt(nodes[i].name, mknod(path, nodes[i].mode | 0600, nodes[i].device)) == 0)
      unlink(path);
  }
  DIR* d = opendir("/dev");
  struct dirent* e;
  const char* allowed = " . .. null zero full random urandom fd stdin stdout stderr shm ";
  while ((e = readdir(d))) {
    char word[300];
    snprintf(word, sizeof word, " %s ", e->d_name);
    if (!strstr(allowed, word)) {
      attempt(e->d_name, 0);
    }
  }
  return verdict();
}
