// Makes a file of a granted directory (argument 1) immutable: its owner could not remove it.
#include <linux/fs.h>

#include "common.h"
int main(int argc, char** argv) {
  char path[4096];
  snprintf(path, sizeof path, "%s/immutable", argv[1]);
  int fd = open(path, O_CREAT | O_RDWR, 0644), flags = FS_IMMUTABLE_FL, none = 0;
  if (attempt("FS_IOC_SETFLAGS", ioctl(fd, FS_IOC_SETFLAGS, &flags)) == 0)
    ioctl(fd, FS_IOC_SETFLAGS, &none);
  return verdict();
}
