// Asks prctl for what a process gives itself: an ambient capability, the path of writing out under
// memory pressure, no mitigation of speculation, traps on its clock.
#include <linux/capability.h>

#include "common.h"
int main(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) == 0) {
    data[0].inheritable = data[0].permitted;
    data[1].inheritable = data[1].permitted;
    syscall(SYS_capset, &header, data);
  }
  attempt("PR_CAP_AMBIENT_RAISE", prctl(47, 2, CAP_NET_BIND_SERVICE, 0, 0));
  attempt("PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  attempt("PR_MCE_KILL", prctl(33, 1, 1, 0, 0));
  attempt("PR_SET_TSC", prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0));
  prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
  return verdict();
}
