// Reads and sets disk quotas of the host's file systems.
#include <sys/quota.h>

#include "common.h"
int main(void) {
  reached("quotactl", syscall(SYS_quotactl, QCMD(Q_SETQUOTA, USRQUOTA), "/dev/none", 1000, 0));
  return verdict();
}
