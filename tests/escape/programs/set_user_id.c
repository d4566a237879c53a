// Becomes another user: by the calls, and by a set-user-id program (su and mount are such on every
// Debian).
#include <grp.h>
#include <linux/capability.h>

#include "common.h"
int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "--who")) {
    printf("euid %d\n", geteuid());
    return geteuid() == 0 ? 0 : 1;
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  syscall(SYS_capget, &header, data);
  if (data[0].permitted == 0) data[0].permitted = ~0u;
  data[0].effective = data[0].permitted;
  attempt("capset", syscall(SYS_capset, &header, data));
  attempt("keepcaps", prctl(PR_SET_KEEPCAPS, 1));
  attempt("securebits", prctl(PR_SET_SECUREBITS, 0));
  attempt("setuid 0", setuid(0));
  attempt("setresuid 0", setresuid(0, 0, 0));
  attempt("setgid 0", setgid(0));
  gid_t group = 0;
  attempt("setgroups", setgroups(1, &group));
  attempt("setuid other", setuid(12345));
  char buffer[100] = "";
  FILE* p = popen("/bin/su -c true 2>/dev/null </dev/null && echo raised", "r");
  if (p && fgets(buffer, sizeof buffer, p) && !strcmp(buffer, "raised\n")) attempt("su", 0);
  return verdict();
}
