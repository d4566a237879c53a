// Opens a file by its number (the Shocker escape): by a handle that the kernel gave, and by one
// made up, for the root of a file system (inode 2).
#include "common.h"
struct handle {
  unsigned bytes;
  int type;
  unsigned words[32];
};
static void open_it(const char* what, struct handle* handle) {
  int mounts[] = {open("/usr", O_RDONLY), open("/etc/passwd", O_RDONLY), open(".", O_RDONLY)};
  for (int i = 0; i < 3; ++i) {
    attempt(what, syscall(SYS_open_by_handle_at, mounts[i], handle, O_RDONLY));
  }
}
int main(void) {
  int mount;
  struct handle given = {128}, made_up = {8, 1, {2, 0}};
  if (syscall(SYS_name_to_handle_at, AT_FDCWD, "/etc/passwd", &given, &mount, 0) == 0)
    open_it("a given handle", &given);
  else
    printf("name_to_handle_at: %s\n", strerror(errno));
  open_it("a handle of inode 2", &made_up);
  return verdict();
}
