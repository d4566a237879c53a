// Holds N (argument 1) KiB in extended attributes of a file, which no size limit of a file system
// in memory counts.
#include <sys/xattr.h>

#include "common.h"
int main(int argc, char** argv) {
  static char text[3000];
  long held = 0, most = atol(argv[1]) << 10;
  memset(text, 'x', sizeof text);
  for (int file = 0; held < most && file < 20000; ++file) {
    char name[32];
    snprintf(name, sizeof name, "%s/file-%d", argv[2], file);
    int fd = open(name, O_CREAT | O_RDWR, 0600);
    unlink(name);
    if (fd < 0 || fsetxattr(fd, "user.x", text, sizeof text, 0) != 0) break;
    held += sizeof text;
    close(fd);
  }
  printf("%ld KiB: %s\n", held >> 10, strerror(errno));
  escapes = held >= most;
  return verdict();
}
